"""Keep the connection to a code server for the next request.

By itself Dagster connects for each (1.13), five times a second while nothing happens: the webserver
and the daemon ask the outer code server whether the code is still the same, it asks the inner one,
and tells it that it is there. To connect takes both sides several times as much as to answer.

A channel is used again only while it is connected, so one who was asked before and has gone is
looked for anew, as ever.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import grpc
from dagster._grpc.client import DagsterGrpcClient

connect = DagsterGrpcClient._channel  # noqa: SLF001 - all requests go through it
(READY, _) = grpc.ChannelConnectivity.READY.value


class Kept:
    """A channel, which is closed when nobody uses it any more."""

    def __init__(self, client: DagsterGrpcClient) -> None:
        self.closing = connect(client)
        self.channel = self.closing.__enter__()

    def is_connected(self) -> bool:
        """Tell without a thread that watches it, as one who subscribes has."""
        return self.channel._channel.check_connectivity_state(False) == READY  # noqa: SLF001


@contextmanager
def kept_channel(client: DagsterGrpcClient) -> Iterator[grpc.Channel]:
    """Yield the channel of the request before, or another one, and keep it if that succeeds."""
    kept = vars(client).get("kept")
    if not kept or not kept.is_connected():
        kept = Kept(client)
    try:
        yield kept.channel
    except Exception:
        client.kept = None
        raise
    client.kept = kept


DagsterGrpcClient._channel = kept_channel  # noqa: SLF001
