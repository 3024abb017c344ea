"""Nix: its version, its features, its store."""

import json
import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from dagnix.doctor.disk import STORE_BYTES, disk
from dagnix.doctor.finding import Finding, note, ok, problem
from dagnix.host.nix import ESCAPES
from dagnix.process import run

OLDEST = (2, 8)
CONFIG_SHOW_SINCE = (2, 20)
FEATURES = {"nix-command", "flakes"}
SEEN = "a build sees this host"
PLAIN_CURE = 'eval "$(./dagnix env)", or for good: ./dagnix doctor --fix'


def version(said: str | None) -> Finding:
    """Judge the words of `nix --version`; None means that there is no nix."""
    if said is None:
        return problem(
            "nix", "is not installed", "sudo apt-get install --no-install-recommends nix-bin"
        )
    found = parse_version(said)
    text = ".".join(map(str, found))
    if found < OLDEST:
        return problem("nix", f"is version {text}", "install Nix 2.8 or later")
    return ok("nix", f"version {text}")


def parse_version(said: str) -> tuple[int, ...]:
    """Return major and minor of "nix (Nix) 2.8.0"."""
    match = re.search(r"(\d+)\.(\d+)", said)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def flakes(settings: Mapping[str, str]) -> Finding:
    """Judge the user's own settings, without those that the launcher adds."""
    if set(settings.get("experimental-features", "").split()) >= FEATURES:
        return ok("flakes", "are enabled")
    return note("flakes", "are enabled in ./dagnix only; for plain nix commands", PLAIN_CURE)


def store(user: str, *, usable: bool) -> Finding:
    """Judge whether this user can write to the store, directly or through the daemon."""
    if usable:
        return ok("store", f"{user} can build")
    return problem(
        "store",
        f"/nix does not belong to {user} and no nix-daemon serves {user}",
        f"sudo apt-get install nix-setup-systemd && sudo usermod -aG nix-users {user}, then log in "
        f"again; without systemd: have root run nix-daemon; for {user} alone, before there is a "
        f"/nix: sudo install -d -o {user} /nix",
    )


def sandbox(setting: str, said: str) -> Finding:
    """Judge the isolation of builds by the setting and by what the probe's build said."""
    if f"executing '{sys.executable}'" in said:
        return ok("sandbox", "builds see neither network nor host")
    if SEEN not in said:
        last = (said.strip().splitlines() or ["nix-build says nothing"])[-1]
        return problem("sandbox", f"a build cannot be tried: {last}", "cure what Nix says there")
    consequence = "builds see this host, and may make other bytes than elsewhere"
    if setting == "false":
        return problem(
            "sandbox",
            f"is off: {consequence}",
            "set `sandbox = true` in /etc/nix/nix.conf (Debian's nix-setup-systemd sets false) and "
            "restart nix-daemon, if there is one",
        )
    return problem(
        "sandbox",
        f"is on, but Nix cannot make one here and builds without a word: {consequence}",
        "let Nix make namespaces: sudo sysctl -w user.max_user_namespaces=10000; leave a chroot; "
        "run a container with --privileged",
    )


def build_users(settings: Mapping[str, str], *, root: bool, group: bool) -> Finding:
    """Judge whether root needs `build-users-group =` and has it."""
    if not root or group or not settings.get("build-users-group"):
        return ok("build users", "nothing to do")
    return note("build users", "root has none; for plain nix commands", PLAIN_CURE)


def is_store_usable(folder: Path = Path("/nix")) -> bool:
    """Look for what Nix can use: the store's database, the daemon's socket, a folder to fill."""
    places = (folder, folder / "var/nix/db", folder / "var/nix/daemon-socket/socket")
    return "NIX_REMOTE" in os.environ or any(os.access(place, os.W_OK) for place in places)


def settings(version: tuple[int, ...], config: str) -> dict[str, str]:
    """Return Nix's settings with `config` in NIX_CONFIG."""
    words = ["config", "show"] if version >= CONFIG_SHOW_SINCE else ["show-config"]
    result = run(
        ["nix", *words],
        "Nix does not tell its settings",
        check=False,
        env={"NIX_CONFIG": config},
        timeout=30,
    )
    pairs = (line.partition("=") for line in result.output.splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}


def tried() -> str:
    """Return what Nix says to a build whose builder is a program of this host.

    In a sandbox the program is not there. Without one it runs and fails, so that nothing of it
    stays in the store, where it would pass for built the next time.
    """
    expression = f"""derivation {{
        name = "dagnix-doctor";
        system = builtins.currentSystem;
        builder = {json.dumps(sys.executable)};
        args = [ "-c" "raise SystemExit('{SEEN}')" ];
        allowSubstitutes = false;
        preferLocalBuild = true;
    }}"""
    command = ["nix-build", "--no-out-link", "--expr", expression]
    said = run(command, "Nix cannot build", check=False, timeout=60).errors
    return ESCAPES.sub("", said)


def findings(user: str, *, build_group: bool) -> Iterator[Finding]:
    """Look at Nix on this host."""
    said = None
    if shutil.which("nix"):
        said = run(["nix", "--version"], "Nix does not answer", timeout=20).output
    yield version(said)
    yield disk("disk for the store", Path("/nix"), STORE_BYTES)
    if said is None:
        return
    root = os.geteuid() == 0
    usable = root or is_store_usable()
    yield store(user, usable=usable)
    own = settings(parse_version(said), os.environ.get("DAGNIX_USER_NIX_CONFIG", ""))
    yield flakes(own)
    if own:  # `nix show-config` is itself behind a feature
        yield build_users(own, root=root, group=build_group)
    if usable:
        launchers = settings(parse_version(said), os.environ.get("NIX_CONFIG", ""))
        yield sandbox(launchers.get("sandbox", ""), tried())
