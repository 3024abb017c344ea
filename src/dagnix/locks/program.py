"""One lock or fetch at a time in a checkout."""

import fcntl
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from dagnix.locks.checkout import Checkout


@contextmanager
def alone(checkout: Checkout) -> Iterator[None]:
    """Wait until no other lock or fetch works in this checkout."""
    checkout.state.mkdir(exist_ok=True)
    with (checkout.state / "fetch.lock").open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("waiting for another fetch or lock in this checkout", file=sys.stderr)
            fcntl.flock(stream, fcntl.LOCK_EX)
        yield
