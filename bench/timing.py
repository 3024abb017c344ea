"""Seconds that a piece of work takes: on the clock, and of CPU."""

import resource
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Timing:
    """Seconds: `wall` on the clock, `cpu` of all processes that were started and have ended."""

    wall: float
    cpu: float


def timed(work: Callable[[], object]) -> Timing:
    """Do a piece of work in processes of its own, and return what it took.

    What a daemon does on its behalf is not in `cpu`.
    """
    began, used = time.monotonic(), _cpu()
    work()
    return Timing(time.monotonic() - began, _cpu() - used)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
