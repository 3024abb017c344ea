"""The two machines that the locks cover, in each ecosystem's own word for them."""

import platform
from dataclasses import dataclass

from dagnix import UserError


@dataclass(frozen=True)
class System:
    """One kind of machine."""

    name: str  # Nix
    debian: str
    machine: str  # uname, and so Python's wheel tags


SYSTEMS = {
    system.name: system
    for system in (
        System("x86_64-linux", "amd64", "x86_64"),
        System("aarch64-linux", "arm64", "aarch64"),
    )
}


def host_system() -> System:
    """Return the system of this machine.

    Raises UserError on a machine that the locks do not cover.
    """
    name = f"{platform.machine()}-{platform.system().lower()}"
    if name not in SYSTEMS:
        raise UserError(f"Dagnix builds on {' and '.join(SYSTEMS)}; this machine is {name}.")
    return SYSTEMS[name]
