"""The files that `./dagnix doctor --fix` writes, so that plain commands work as ./dagnix does."""

import os
from pathlib import Path

from dagnix.host.containers_conf import (
    Settings,
    as_toml,
    config_folders,
    needed,
    needs_overlay,
    own_files,
    read,
)
from dagnix.host.probe import probe

DROP_IN = Path("containers.conf.d/dagnix.conf")
FLAKES = "extra-experimental-features = nix-command flakes"
NO_BUILD_USERS = "build-users-group ="


def podman() -> list[Path]:
    """Write what podman needs into files of its own beside the user's containers.conf."""
    host = probe()
    folder = config_folders(home_too=os.geteuid() != 0)[-1]
    files: dict[Path, Settings] = {
        folder / DROP_IN: needed(host, read(own_files())),
        folder / "storage.conf": {"storage": {"driver": "overlay"}} if needs_overlay(host) else {},
    }
    text = (
        "# Written by ./dagnix doctor --fix: podman does not work well on this host without it.\n"
    )
    written = [path for path, settings in files.items() if settings]
    for path in written:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + as_toml(files[path]))
    return written


def nix(subjects: set[str]) -> list[Path]:
    """Add to the user's nix.conf what the findings with these subjects ask for."""
    lines = [
        line
        for subject, line in (("flakes", FLAKES), ("build users", NO_BUILD_USERS))
        if subject in subjects
    ]
    if not lines:
        return []
    config = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    path = Path(config) / "nix" / "nix.conf"
    path.parent.mkdir(parents=True, exist_ok=True)
    before = path.read_text() if path.is_file() else ""
    if before and not before.endswith("\n"):
        before += "\n"
    path.write_text(before + "".join(f"{line}\n" for line in lines))
    return [path]
