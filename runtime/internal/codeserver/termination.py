"""Have a code server sleep until it ends.

By itself it looks ten times a second whether it has (grpc 1.85), because on some systems, of which
Linux is none, a signal has to wait while Python does.
"""

from grpc import _server


def wait_for_termination(server: _server._Server, timeout: float | None = None) -> bool:
    """Tell whether the time, in seconds, is over before the server has ended."""
    return not server._state.termination_event.wait(timeout)  # noqa: SLF001 - as gRPC itself


_server._Server.wait_for_termination = wait_for_termination  # noqa: SLF001 - the only class of it
