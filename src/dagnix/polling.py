"""Waiting for something that has to be asked for (standard library only).

Ours, as a library for retries would be one more locked package for these lines.
"""

import time
from collections.abc import Callable

from dagnix import UserError


def wait_until(done: Callable[[], bool], failure: str, *, seconds: float, pause: float) -> None:
    """Ask again and again, with a pause in seconds between, until it is done.

    Raises:
        UserError: with `failure`, when so many seconds are over.

    """
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            raise UserError(failure)
        time.sleep(pause)
