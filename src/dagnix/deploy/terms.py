"""What a deploy is subject to (standard library only)."""

from dataclasses import dataclass
from enum import StrEnum

WAIT_SECONDS = 120
LIMIT_MINUTES = 24 * 60


class Afterwards(StrEnum):
    """What becomes of runs that are in flight when the time is over."""

    KEEP = "keep"
    CANCEL = "cancel"
    FAIL = "fail"


@dataclass(frozen=True)
class Terms:
    """Time limits of a deploy, and what is done with runs that exceed theirs.

    `wait` is for the new code server to become healthy, in seconds. `limit` is for runs on the old
    one, in minutes.
    """

    wait: float = WAIT_SECONDS
    limit: float = LIMIT_MINUTES
    afterwards: Afterwards = Afterwards.KEEP
