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
    """How long the new code server may take to become healthy, in seconds, and runs on the old one.

    `limit` is in minutes; `afterwards` is for the runs that then still go on.
    """

    wait: float = WAIT_SECONDS
    limit: float = LIMIT_MINUTES
    afterwards: Afterwards = Afterwards.KEEP
