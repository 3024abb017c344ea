"""known_server_id.py: the outer code server asks its inner one when the answer may be another."""

import runpy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from dagster._grpc.proxy_server import DagsterProxyApiServicer

PROGRAM = Path(__file__).parents[3] / "runtime/internal/dagster/known_server_id.py"


class Channel:
    """A kept one."""

    def __init__(self) -> None:
        self.connected = True

    def is_connected(self) -> bool:
        return self.connected


class Outer(DagsterProxyApiServicer):
    """An outer code server whose inner one gives each answer once."""

    def __init__(self) -> None:  # the one of Dagster's starts an inner server
        self._fixed_server_id = None
        self._load_error = None
        self._client: Any = None
        self.asked = 0
        self.start_inner()

    def start_inner(self) -> None:
        self._client = SimpleNamespace(
            _get_response=self.answer, reload_code_with_state=lambda **_: None
        )

    def answer(self, *_: object) -> int:
        self._client.kept = vars(self._client).get("kept") or Channel()
        self.asked += 1
        return self.asked


@pytest.fixture
def clock() -> SimpleNamespace:
    return SimpleNamespace(now=0.0)


@pytest.fixture
def outer(monkeypatch: pytest.MonkeyPatch, clock: SimpleNamespace) -> Outer:
    for name in ("GetServerId", "ReloadCodeWithState"):
        monkeypatch.setattr(DagsterProxyApiServicer, name, getattr(DagsterProxyApiServicer, name))
    program = runpy.run_path(str(PROGRAM))
    monkeypatch.setattr(program["time"], "monotonic", lambda: clock.now)
    return Outer()


def ask(outer: Outer) -> Any:
    return outer.GetServerId(None, None)


def test_the_inner_server_is_asked_once(outer: Outer) -> None:
    assert [ask(outer) for _ in range(3)] == [1, 1, 1]


def test_another_inner_server_is_asked(outer: Outer) -> None:
    assert ask(outer) == 1
    outer.start_inner()
    assert [ask(outer), ask(outer)] == [2, 2]


def test_an_inner_server_that_has_ended_is_asked(outer: Outer) -> None:
    assert ask(outer) == 1
    outer._client.kept.connected = False  # noqa: SLF001
    assert ask(outer) == 2


def test_one_that_has_reloaded_is_asked(outer: Outer) -> None:
    assert ask(outer) == 1
    outer.ReloadCodeWithState(SimpleNamespace(serialized_defs_state_info=""), None)
    assert ask(outer) == 2


def test_one_that_hangs_is_found(outer: Outer, clock: SimpleNamespace) -> None:
    assert ask(outer) == 1
    clock.now = 9.9
    assert ask(outer) == 1
    clock.now = 10
    assert ask(outer) == 2


def test_without_a_kept_channel_each_question_goes_on(outer: Outer) -> None:
    outer.answer = lambda *_: "asked"  # type: ignore[method-assign]
    outer.start_inner()
    assert ask(outer) == "asked"
    outer.answer = lambda *_: "again"  # type: ignore[method-assign]
    outer.start_inner()
    assert ask(outer) == "again"
    outer._client._get_response = lambda *_: "and again"  # noqa: SLF001
    assert ask(outer) == "and again"


def test_the_id_that_was_given_on_the_command_line_stays(outer: Outer) -> None:
    outer._fixed_server_id = "fixed"  # noqa: SLF001
    assert ask(outer).server_id == "fixed"
