"""What pip has to be told about the machine that wheels are for."""

from dagnix.lock.systems import System

PYTHON = "3.13"  # Debian trixie's
NEWEST_GLIBC = 41  # 2.41, Debian trixie's
OLDEST_GLIBC = 17  # 2.17, that of manylinux2014


def platforms(system: System) -> list[str]:
    """Return the platform tags of wheels that run on Debian trixie, best first (PEP 600)."""
    newer = [
        f"manylinux_2_{minor}_{system.machine}"
        for minor in range(NEWEST_GLIBC, OLDEST_GLIBC - 1, -1)
    ]
    return [*newer, f"manylinux2014_{system.machine}"]
