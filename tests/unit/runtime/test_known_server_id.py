"""known_server_id.py: the outer code server asks its inner one when the answer may be another."""

import runpy
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any

import grpc
import pytest
from dagster._grpc.__generated__ import dagster_api_pb2
from dagster._grpc.__generated__.dagster_api_pb2_grpc import (
    DagsterApiServicer,
    add_DagsterApiServicer_to_server,
)
from dagster._grpc.client import DagsterGrpcClient
from dagster._grpc.proxy_server import DagsterProxyApiServicer
from support.command import wait_until

FOLDER = Path(__file__).parents[3] / "runtime/internal/dagster"
SECONDS = 60  # however slow the machine is


class Channel:
    """A kept one."""

    def __init__(self) -> None:
        self.connected = True

    def is_connected(self) -> bool:
        return self.connected


class Client:
    """That of an inner server, which has another ID at each question."""

    def __init__(self, ids: list[str]) -> None:
        self.ids = ids
        self.may_answer = Event()
        self.may_answer.set()
        self.asked = Event()

    def _get_response(self, *_: object) -> str:
        reply = self.ids.pop(0)
        self.asked.set()
        assert self.may_answer.wait(SECONDS)
        self.kept = vars(self).get("kept") or Channel()
        return reply

    def reload_code_with_state(self, **_: object) -> None:
        """Do what changes the ID."""


class Outer(DagsterProxyApiServicer):
    """An outer code server without Dagster's own, which would start an inner one."""

    def __init__(self, client: Any) -> None:
        self._fixed_server_id = None
        self._load_error = None
        self._client = client


@pytest.fixture
def clock() -> SimpleNamespace:
    return SimpleNamespace(now=0.0)


@pytest.fixture(autouse=True)
def _program(monkeypatch: pytest.MonkeyPatch, clock: SimpleNamespace) -> None:
    for name in ("GetServerId", "ReloadCodeWithState"):
        monkeypatch.setattr(DagsterProxyApiServicer, name, getattr(DagsterProxyApiServicer, name))
    names = runpy.run_path(str(FOLDER / "known_server_id.py"))
    own_time = SimpleNamespace(monotonic=lambda: clock.now)
    monkeypatch.setitem(names["get_server_id"].__globals__, "time", own_time)


@pytest.fixture
def client() -> Client:
    return Client(["first", "second"])


@pytest.fixture
def outer(client: Client) -> Outer:
    return Outer(client)


def ask(outer: Outer) -> Any:
    return outer.GetServerId(dagster_api_pb2.Empty(), None)


def reload_with_state(outer: Outer) -> None:
    outer.ReloadCodeWithState(SimpleNamespace(serialized_defs_state_info=""), None)


def test_the_inner_server_is_asked_once(outer: Outer) -> None:
    assert [ask(outer) for _ in range(3)] == ["first"] * 3


def test_another_inner_server_is_asked(outer: Outer) -> None:
    assert ask(outer) == "first"
    outer._client = Client(["other"])  # noqa: SLF001
    assert [ask(outer), ask(outer)] == ["other"] * 2


def test_an_inner_server_that_has_ended_is_asked(outer: Outer, client: Client) -> None:
    assert ask(outer) == "first"
    client.kept.connected = False
    assert ask(outer) == "second"


def test_one_that_has_reloaded_is_asked(outer: Outer) -> None:
    assert ask(outer) == "first"
    reload_with_state(outer)
    assert [ask(outer), ask(outer)] == ["second"] * 2


def test_one_that_hangs_is_found(outer: Outer, clock: SimpleNamespace) -> None:
    assert ask(outer) == "first"
    clock.now = 9.9
    assert ask(outer) == "first"
    clock.now = 10
    assert ask(outer) == "second"


def late(outer: Outer, client: Client, change: Any) -> str:
    """Return what is answered after an answer to a question from before a change."""
    client.may_answer.clear()
    with ThreadPoolExecutor(1) as pool:
        before = pool.submit(ask, outer)
        assert client.asked.wait(SECONDS)
        change()
        client.may_answer.set()
        assert before.result() == "first"
    return ask(outer)


def test_a_late_answer_is_not_that_of_another_inner_server(outer: Outer, client: Client) -> None:
    def change() -> None:
        outer._client = Client(["other", "another"])  # noqa: SLF001
        assert ask(outer) == "other"

    assert late(outer, client, change) != "first"


def test_a_late_answer_is_not_that_of_reloaded_code(outer: Outer, client: Client) -> None:
    assert late(outer, client, lambda: reload_with_state(outer)) == "second"


def test_without_a_kept_channel_each_question_goes_on(outer: Outer, client: Client) -> None:
    for each in ("first", "second"):
        assert ask(outer) == each
        del client.kept


def test_an_older_dagster_that_knows_no_such_reload(
    monkeypatch: pytest.MonkeyPatch, client: Client
) -> None:
    monkeypatch.undo()  # what the program has put in place
    for each in (DagsterProxyApiServicer, DagsterApiServicer):
        monkeypatch.delattr(each, "ReloadCodeWithState")
    monkeypatch.setattr(DagsterProxyApiServicer, "GetServerId", DagsterProxyApiServicer.GetServerId)
    runpy.run_path(str(FOLDER / "known_server_id.py"))
    assert "ReloadCodeWithState" not in vars(DagsterProxyApiServicer)
    outer = Outer(client)
    assert [ask(outer) for _ in range(3)] == ["first"] * 3


def test_the_id_that_was_given_on_the_command_line_stays(outer: Outer) -> None:
    outer._fixed_server_id = "fixed"  # noqa: SLF001
    assert ask(outer).server_id == "fixed"


class Inner(DagsterApiServicer):
    """An inner server, at its gRPC port."""

    def __init__(self) -> None:
        self.asked = 0

    def GetServerId(self, request, context):  # noqa: ANN001, ANN201, N802 - as gRPC generates it
        del request, context
        self.asked += 1
        return dagster_api_pb2.GetServerIdReply(server_id=f"{self.asked}")


def test_the_channel_is_the_one_that_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DagsterGrpcClient, "_channel", DagsterGrpcClient._channel)  # noqa: SLF001
    runpy.run_path(str(FOLDER / "kept_channels.py"))
    inner, server = Inner(), grpc.server(ThreadPoolExecutor(1))
    add_DagsterApiServicer_to_server(inner, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    client: Any = DagsterGrpcClient(port=port, host="127.0.0.1")
    outer = Outer(client)
    assert [ask(outer).server_id for _ in range(3)] == ["1"] * 3
    server.stop(None).wait()
    # A thread of gRPC's notes that, soon.
    wait_until(lambda: not client.kept.is_connected(), "the connection has ended", SECONDS)
    with pytest.raises(grpc.RpcError):
        ask(outer)
