"""One lock or fetch at a time in a checkout."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from dagnix.checkout import Checkout
from dagnix.file_lock import held


@contextmanager
def alone(checkout: Checkout) -> Iterator[None]:
    """Wait until no other lock or fetch works in this checkout."""
    checkout.state.mkdir(exist_ok=True)
    says = "waiting for another fetch or lock in this checkout"
    with held(checkout.state / "fetch.lock", lambda: print(says, file=sys.stderr)):
        yield
