"""The host's settings of pip for builds in containers: mounted there, in no image."""

import ast
import configparser
import shutil
import sys
from pathlib import Path

from dagnix.process import run

MOUNTED = "/run/pip"
CERTIFICATES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
)
# Options that are files; a container has no other file of the host.
FILES = ("cert", "client-cert")


def settings(listed: str) -> dict[str, dict[str, str]]:
    """Return section → option → value from what `pip config list` prints.

    What the environment sets is as if it stood in the section `global`, which it overrides.
    """
    sections: dict[str, dict[str, str]] = {}
    environment: dict[str, str] = {}
    for line in listed.splitlines():
        key, _, value = line.partition("=")
        section, _, option = key.rpartition(".")
        chosen = environment if section == ":env:" else sections.setdefault(section, {})
        chosen[option] = ast.literal_eval(value)
    sections["global"] = {**sections.get("global", {}), **environment}
    return sections


def write(folder: Path) -> list[str]:
    """Write pip.conf, with the files that it names beside it and a folder for the cache.

    Return what to mount, as podman's --volume takes it.
    """
    listed = run([sys.executable, "-m", "pip", "config", "list"], "pip tells no settings").output
    sections = settings(listed)
    bundle = next((path for path in CERTIFICATES if Path(path).exists()), None)
    if bundle:
        sections["global"].setdefault("cert", bundle)
    volumes = [f"{folder}:{MOUNTED}"]
    for options in sections.values():
        for name in FILES:
            if name in options:
                shutil.copy(options[name], folder / name)
                options[name] = f"{MOUNTED}/{name}"
        links = options.pop("find-links", "").split()
        kept = [link for link in links if "://" in link]
        for number, link in enumerate(link for link in links if Path(link).is_dir()):
            kept.append(f"{MOUNTED}/links-{number}")
            volumes.append(f"{link}:{kept[-1]}:ro")
        if kept:
            options["find-links"] = "\n".join(kept)
    sections["global"]["cache-dir"] = f"{MOUNTED}/cache"
    file = configparser.RawConfigParser()
    file.read_dict(sections)
    with (folder / "pip.conf").open("w") as stream:
        file.write(stream)
    (folder / "cache").mkdir()
    return volumes
