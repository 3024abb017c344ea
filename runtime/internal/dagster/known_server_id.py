"""Have the outer code server remember the ID of its inner one.

The ID is a new one each time the code was loaded. The webserver and the daemon ask for it once a
second each, and the outer code server asks the inner one (Dagster 1.13). It can only change when
the outer one starts another inner server or has it reload, or when the inner one ends: then the
connection that the answer came over is closed.
"""

import time
from dataclasses import dataclass
from typing import Any, Self

from dagster._grpc.proxy_server import DagsterProxyApiServicer as Outer

SECONDS = 10  # an inner server that hangs is found as late

ask = Outer.GetServerId
# A code location may have an older Dagster (1.12), whose inner server never reloads.
reload = getattr(Outer, "ReloadCodeWithState", None)


@dataclass(frozen=True)
class Inner:
    """What can have no other ID: an inner server's client, which has reloaded it so many times."""

    client: Any
    reloads: int

    @classmethod
    def of(cls, outer: Outer) -> Self:
        """Return the one of now."""
        return cls(outer._client, vars(outer).get("reloads", 0))  # noqa: SLF001 - no public name

    def channel(self) -> Any:
        """Return the channel that the last request has left (kept_channels.py), if it has."""
        return vars(self.client).get("kept") if self.client else None


@dataclass(frozen=True)
class Known:
    """An answer, whose it is, and the channel that it came over."""

    reply: Any
    inner: Inner
    channel: Any
    until: float

    def holds(self, inner: Inner) -> bool:
        """Tell whether the inner server is the same, and there."""
        return (
            inner == self.inner
            and self.channel is not None
            and self.channel is inner.channel()
            and self.channel.is_connected()
            and time.monotonic() < self.until
        )


def get_server_id(outer: Outer, request: Any, context: Any) -> Any:
    """Answer from memory while that holds."""
    known: Known | None = vars(outer).get("known_server_id")
    inner = Inner.of(outer)  # from before the question: a late answer is not the next one's
    if not known or not known.holds(inner):
        reply = ask(outer, request, context)
        known = Known(reply, inner, inner.channel(), time.monotonic() + SECONDS)
        outer.known_server_id = known
    return known.reply


def reload_code_with_state(outer: Outer, request: Any, context: Any) -> Any:
    """Reload in the inner server's process."""
    try:
        return reload(outer, request, context)
    finally:
        outer.reloads = vars(outer).get("reloads", 0) + 1


Outer.GetServerId = get_server_id
if reload:
    Outer.ReloadCodeWithState = reload_code_with_state
