"""Have the outer code server remember what tells its inner one's code from another's.

The webserver and the daemon ask it for that once a second each, and it asks the inner one (Dagster
1.13). The answer can only change when the outer one starts another inner server or has it reload,
or when the inner one ends: then the connection that the answer came over is closed.
"""

import time
from dataclasses import dataclass
from typing import Any, Self

from dagster._grpc.proxy_server import DagsterProxyApiServicer as Outer

SECONDS = 10  # an inner server that hangs is found as late

ask, reload = Outer.GetServerId, Outer.ReloadCodeWithState


@dataclass(frozen=True)
class Known:
    """An answer, and the kept channel (kept_channels.py) that it came over."""

    reply: Any
    channel: Any
    until: float

    @classmethod
    def by(cls, outer: Outer, reply: Any) -> Self:
        """Take what the inner server has just answered."""
        return cls(reply, channel_of(outer), time.monotonic() + SECONDS)

    def holds(self, outer: Outer) -> bool:
        """Tell whether the inner server is the same, and there."""
        channel = channel_of(outer)
        return (
            channel is not None
            and channel is self.channel
            and channel.is_connected()
            and time.monotonic() < self.until
        )


def channel_of(outer: Outer) -> Any:
    """Return the channel that the last request to the inner server has left, if it has."""
    client = outer._client  # noqa: SLF001 - no public name
    return vars(client).get("kept") if client else None


def get_server_id(outer: Outer, request: Any, context: Any) -> Any:
    """Answer from memory while that holds."""
    known: Known | None = vars(outer).get("known_server_id")
    if not known or not known.holds(outer):
        known = Known.by(outer, ask(outer, request, context))
        outer.known_server_id = known
    return known.reply


def reload_code_with_state(outer: Outer, request: Any, context: Any) -> Any:
    """Reload in the inner server's process, which then has another one."""
    try:
        return reload(outer, request, context)
    finally:
        outer.known_server_id = None


Outer.GetServerId = get_server_id
Outer.ReloadCodeWithState = reload_code_with_state
