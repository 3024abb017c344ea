"""What pip has to be told about the machine that wheels are for."""

from dagnix.locks.systems import System

PYTHON = "3.13"  # of all images, but those of code locations that ask for another
OLDEST_GLIBC = 17  # 2.17, that of manylinux2014


def platforms(system: System, glibc: int) -> list[str]:
    """Return the platform tags of wheels that run on glibc 2.`glibc`, best first (PEP 600)."""
    newer = [
        f"manylinux_2_{minor}_{system.machine}" for minor in range(glibc, OLDEST_GLIBC - 1, -1)
    ]
    return [*newer, f"manylinux2014_{system.machine}"]
