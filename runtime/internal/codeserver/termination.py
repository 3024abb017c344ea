"""Have a code server sleep until it ends.

By itself it looks ten times a second whether it has (grpc 1.85), because on some systems a signal
has to wait while Python's main thread does. On Linux it ends that wait. What else means to stop the
main thread, `_thread.interrupt_main`, is seen at the next look.
"""

import time

from grpc import _server

LOOK_SECONDS = 30


def wait_for_termination(server: _server._Server, timeout: float | None = None) -> bool:
    """Tell whether the time, in seconds, is over before the server has ended."""
    ended = server._state.termination_event  # noqa: SLF001 - as gRPC itself
    until = float("inf") if timeout is None else time.monotonic() + timeout
    while not ended.wait(min(LOOK_SECONDS, until - time.monotonic())):
        if time.monotonic() >= until:
            return True
    return False


_server._Server.wait_for_termination = wait_for_termination  # noqa: SLF001 - the only class of it
