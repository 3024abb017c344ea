"""The files that `./dagnix doctor --fix` writes, so that plain commands work as ./dagnix does."""

import os
from pathlib import Path

from dagnix.containers_conf import as_toml, config_folders, needed, own_files, read
from dagnix.host import probe

DROP_IN = Path("containers.conf.d/dagnix.conf")
FLAKES = "extra-experimental-features = nix-command flakes"
NO_BUILD_USERS = "build-users-group ="


def podman(state: Path) -> list[Path]:
    """Write what podman needs into a file of its own beside the user's containers.conf."""
    missing = needed(probe(), read(own_files(state / "containers.conf")))
    if not missing:
        return []
    path = config_folders(home_too=os.geteuid() != 0)[-1] / DROP_IN
    text = "# Written by ./dagnix doctor --fix: podman does not work on this host without it.\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + as_toml(missing))
    return [path]


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
