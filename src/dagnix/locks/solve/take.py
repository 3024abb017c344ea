"""What a lock takes anew, although it has it already."""

from enum import Enum, auto


class Take(Enum):
    """How far `./dagnix lock` moves what is locked, if neither lists nor indexes force it to."""

    NOTHING = auto()
    SECURITY = auto()  # security updates of Debian packages, patch releases of Python packages
    NEWEST = auto()
