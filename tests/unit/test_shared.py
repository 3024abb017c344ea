"""support/shared.py: when a stack is made."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from support import shared
from support.shared import Shared


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(shared, "look", lambda _: "as at first")
    return []


def stack(events: list[str]) -> Shared[Any]:
    @contextmanager
    def make() -> Iterator[str]:
        events.append("made")
        yield "a stack"
        events.append("removed")

    return Shared(make)


def test_one_serves_all_tests(events: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared, "restore", lambda *_: events.append("restored"))
    with stack(events) as found:
        assert not events
        for _ in range(2):
            assert found.lend() == "a stack"
            found.take_back()
    assert events == ["made", "restored", "restored", "removed"]


def test_one_that_a_test_has_broken_is_followed_by_another(
    events: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise AssertionError("the daemon is gone")

    monkeypatch.setattr(shared, "restore", fail)
    with stack(events) as found:
        found.lend()
        with pytest.raises(AssertionError, match="the daemon is gone"):
            found.take_back()
        assert events == ["made", "removed"]
        assert found.lend() == "a stack"
    assert events == ["made", "removed", "made", "removed"]
