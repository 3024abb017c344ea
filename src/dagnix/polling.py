"""Waiting for something that has to be asked for (standard library only).

Ours, as a library for retries would be one more locked package for these lines.
"""

import time
from collections.abc import Callable

from dagnix import UserError


def wait_until(done: Callable[[], bool], failure: str, *, seconds: float, pause: float) -> None:
    """Ask again and again, with a pause in seconds between, until it is done.

    Who cannot be asked just now, as a webserver that is starting again, is asked again, too.

    Raises:
        UserError: with `failure`, or with why nobody could be asked, when so many seconds are over.

    """
    end = time.monotonic() + seconds
    while True:
        error = UserError(failure)
        try:
            if done():
                return
        except UserError as unasked:
            error = unasked
        if time.monotonic() > end:
            raise error
        time.sleep(pause)
