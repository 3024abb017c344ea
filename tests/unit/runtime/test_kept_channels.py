"""kept_channels.py: requests to a code server go over one connection, while there is one."""

import gc
import runpy
import threading
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._grpc.__generated__ import dagster_api_pb2
from dagster._grpc.__generated__.dagster_api_pb2_grpc import (
    DagsterApiServicer,
    add_DagsterApiServicer_to_server,
)
from dagster._grpc.client import DagsterGrpcClient
from support.command import wait_until

PROGRAM = Path(__file__).parents[3] / "runtime/internal/dagster/kept_channels.py"
REFUSED, TOGETHER = "refused", "together"
AT_ONCE = 3


class CodeServer(DagsterApiServicer):
    """Answers a ping, and remembers from which port it came."""

    def __init__(self) -> None:
        self.peers: list[str] = []
        self.together = threading.Barrier(AT_ONCE)

    def Ping(self, request, context):  # noqa: ANN001, ANN201, N802 - as gRPC generates it
        self.peers.append(context.peer())
        if request.echo == TOGETHER:
            self.together.wait()
        if request.echo == REFUSED:
            context.abort(grpc.StatusCode.INTERNAL, "as asked")
        return dagster_api_pb2.PingReply(echo=request.echo)

    @contextmanager
    def listening(self, port: int = 0) -> Iterator[int]:
        server = grpc.server(ThreadPoolExecutor(AT_ONCE))
        add_DagsterApiServicer_to_server(self, server)
        port = server.add_insecure_port(f"127.0.0.1:{port}")
        server.start()
        try:
            yield port
        finally:
            server.stop(grace=None).wait()


@pytest.fixture(autouse=True)
def _kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DagsterGrpcClient, "_channel", DagsterGrpcClient._channel)  # noqa: SLF001
    runpy.run_path(str(PROGRAM))


@pytest.fixture
def server() -> CodeServer:
    return CodeServer()


def client_of(port: int) -> Any:
    return DagsterGrpcClient(port=port, host="127.0.0.1")


def wait_for_end(client: Any) -> None:
    """Wait until a thread of gRPC's has noted that the server has gone."""
    wait_until(lambda: not client.kept.is_connected(), "the connection has ended")


def test_a_failed_request_does_not_end_others(server: CodeServer) -> None:
    with server.listening() as port, ThreadPoolExecutor(2) as pool:
        client = client_of(port)
        client.ping("")
        others = [pool.submit(client.ping, TOGETHER) for _ in range(2)]
        wait_until(lambda: len(server.peers) == 3, "they are being answered")
        with pytest.raises(DagsterUserCodeUnreachableError):
            client.ping(REFUSED)
        server.together.wait()
        assert [each.result()["echo"] for each in others] == [TOGETHER] * 2
    assert len(set(server.peers)) == 1


def test_a_server_that_was_restarted_is_looked_up_anew(
    server: CodeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []  # a channel looks up its host when it is made, and seldom again
    make = grpc.insecure_channel

    def insecure_channel(target: str, **options: object) -> grpc.Channel:
        made.append(target)
        return make(target, **options)

    monkeypatch.setattr(grpc, "insecure_channel", insecure_channel)
    with server.listening() as port:
        client = client_of(port)
        client.ping("")
        client.ping("")
    wait_for_end(client)
    with server.listening(port):
        client.ping("")
    assert len(made) == 2


def test_a_server_that_was_away_is_asked_at_once(server: CodeServer) -> None:
    with ExitStack() as first:
        port = first.enter_context(server.listening())
        client = client_of(port)
        client.ping("")
        first.close()
        wait_for_end(client)
        errors = []  # Dagster keeps that of a location
        for _ in range(5):  # a channel that was tried before would wait longer after each
            with pytest.raises(DagsterUserCodeUnreachableError) as error:
                client.ping("")
            errors.append(error)
        with server.listening(port):
            client.ping("")


def test_a_failed_request_leaves_no_connection(server: CodeServer) -> None:
    with server.listening() as port:
        client = client_of(port)
        client.ping("")
        kept = client.kept
        with pytest.raises(DagsterUserCodeUnreachableError):
            client.ping(REFUSED)
        client.ping("")
        # Not told by the port that it came from: the kernel may give the same one again.
        assert client.kept is not kept
    assert server.peers[0] == server.peers[1]


def test_a_client_that_is_gone_leaves_no_connection(server: CodeServer) -> None:
    with server.listening() as port:
        client = client_of(port)
        client.ping("")
        kept = weakref.ref(client.kept)
        del client
        gc.collect()
    assert not kept()
