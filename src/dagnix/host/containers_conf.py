"""The containers.conf without which podman cannot work on some hosts (standard library only).

It stands outside the checkout, in this user's state: podman reads it again whenever a container has
ended and is started anew, as long as that container is there. So it has its content's hash in its
name, and does not change.

podman 4.5 and later read it on top of the user's own files (CONTAINERS_CONF_OVERRIDE, podman pull
request 17895). Earlier ones read it instead of them (CONTAINERS_CONF), so there it holds the user's
settings too.
"""

import hashlib
import json
import os
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from dagnix import UserError
from dagnix.host.probe import PODMAN_PROCESSES, PodmanHost, probe

OVERRIDE_SINCE = (4, 5)
OVERLAY_SINCE = (4, 5)
WITHOUT_CNI_SINCE = (5, 0)
# Debian 13's 5.4 was seen to keep to the limits that it has, Debian 12's 4.3 not to.
WITHIN_LIMITS_SINCE = (5, 4)

Settings = dict[str, Any]


def needed(host: PodmanHost, own: Mapping[str, Any]) -> Settings:
    """Return the settings that podman needs on `host`, leaving alone what the user's own say."""
    found: Settings = {}
    limits = [
        f"{name}={limit}:{limit}"
        for name, limit in (
            ("nofile", host.open_files),
            ("nproc", host.processes and min(host.processes, PODMAN_PROCESSES)),
        )
        if limit
    ]
    too_high = limits and host.podman < WITHIN_LIMITS_SINCE
    if too_high and "default_ulimits" not in own.get("containers", {}):
        found["containers"] = {"default_ulimits": limits}
    # crun, which podman prefers, refuses such a host.
    runs_runc = host.hybrid_cgroups and host.crun and host.runc
    if runs_runc and "runtime" not in own.get("engine", {}):
        found["engine"] = {"runtime": "runc"}
    may_choose_cni = host.podman < WITHOUT_CNI_SINCE and host.cni and host.netavark
    if may_choose_cni and "network_backend" not in own.get("network", {}):
        found["network"] = {"network_backend": "netavark"}
    return found


def needs_overlay(host: PodmanHost) -> bool:
    """Tell whether podman must be told to use overlay (fixed in 4.5, podman issue 18968)."""
    return host.vfs and host.podman < OVERLAY_SINCE


def merged(lower: Mapping[str, Any], upper: Mapping[str, Any]) -> Settings:
    """Return both, table by table; `upper` wins, as later containers.conf files do."""
    both = dict(lower)
    for key, value in upper.items():
        old = both.get(key)
        both[key] = (
            merged(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
        )
    return both


def as_toml(settings: Mapping[str, Any], table: str = "") -> str:
    """Write settings as TOML; JSON's strings, numbers, booleans and arrays are TOML's too."""
    plain = {key: value for key, value in settings.items() if not isinstance(value, Mapping)}
    lines = [f"[{table}]"] if table and plain else []
    lines += [f"{_key(key)} = {_value(value)}" for key, value in plain.items()]
    text = "".join(f"{line}\n" for line in lines)
    for key, value in settings.items():
        if isinstance(value, Mapping):
            text += as_toml(value, f"{table}.{_key(key)}" if table else _key(key))
    return text


def _key(key: str) -> str:
    return (
        key
        if key.replace("_", "").replace("-", "").isalnum() and key.isascii()
        else json.dumps(key)
    )


def _value(value: Any) -> str:
    if isinstance(value, Mapping):  # {append=true} at the end of an array
        return "{" + ", ".join(f"{_key(key)} = {_value(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def read(paths: Iterable[Path]) -> Settings:
    """Return what the files say together, later ones winning.

    Raises:
        UserError: one of them is not TOML.

    """
    settings: Settings = {}
    for path in paths:
        try:
            settings = merged(settings, tomllib.loads(path.read_text()))
        except tomllib.TOMLDecodeError as error:
            raise UserError(f"{path} is not valid TOML ({error}): correct it.") from error
    return settings


def config_folders(*, home_too: bool) -> list[Path]:
    """Return the folders of containers.conf, from the system's to the user's."""
    folders = [Path("/usr/share/containers"), Path("/etc/containers")]
    if home_too:
        config = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
        folders.append(Path(config) / "containers")
    return folders


def folder() -> Path:
    """Return where the file is: what `git clean` and another checkout leave alone."""
    if os.geteuid() == 0:
        return Path("/var/lib/dagnix")
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "dagnix"


def own_files() -> list[Path]:
    """Return the containers.conf files that podman would read here without Dagnix."""
    variables = ("CONTAINERS_CONF", "CONTAINERS_CONF_OVERRIDE")
    only, last = (_users(os.environ.get(name)) for name in variables)
    if only:
        files = [only]
    else:
        files = []
        for each in config_folders(home_too=os.geteuid() != 0):
            files += [each / "containers.conf", *sorted(each.glob("containers.conf.d/*.conf"))]
    return [path for path in [*files, *([last] if last else [])] if path.is_file()]


def _users(name: str | None) -> Path | None:
    """Return the file, if it has a name and is not Dagnix's own."""
    if not name or Path(name).parent == folder():
        return None
    return Path(name)


def environment(host: PodmanHost | None = None) -> dict[str, str]:
    """Write a containers.conf if this host needs one; return the variables for podman.

    Returns an empty dictionary on a host where podman works as it is.
    """
    host = host or probe()
    variables = {}
    if host.hybrid_cgroups:
        # From 5.0 on podman says at every call that cgroup v1 is old.
        variables["PODMAN_IGNORE_CGROUPSV1_WARNING"] = "1"
    if needs_overlay(host):
        # vfs copies an image's files once for every layer.
        variables["STORAGE_DRIVER"] = "overlay"
    own = read(own_files())
    settings = needed(host, own)
    if not settings:
        return variables
    if host.podman >= OVERRIDE_SINCE:
        variable = "CONTAINERS_CONF_OVERRIDE"
        last = _users(os.environ.get(variable))
        lower = read([last] if last else [])
    else:
        variable = "CONTAINERS_CONF"
        lower = own
    text = "# Written by Dagnix for this host (./dagnix doctor); changes here are lost.\n"
    text += as_toml(merged(lower, settings))
    path = folder() / f"containers-{hashlib.sha256(text.encode()).hexdigest()[:12]}.conf"
    if not path.is_file() or path.read_text() != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_suffix(f".{os.getpid()}")
        beside.write_text(text)
        beside.replace(path)
    return {**variables, variable: str(path)}
