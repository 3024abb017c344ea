"""What podman-compose is run with."""

from pathlib import Path
from typing import Any

import pytest

from dagnix import project
from dagnix.process import Result
from dagnix.stack import compose, compute_logs, sockets


@pytest.mark.parametrize(("word", "expected"), [("run", "plain"), ("up", None)])
def test_what_a_throwaway_container_prints_is_no_log(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, word: str, expected: str | None
) -> None:
    """`./dagnix upgrade` reads it."""
    given: dict[str, str] = {}

    def run(*_: Any, env: dict[str, str], **__: Any) -> Result:
        given.update(env)
        return Result((), 0, "")

    monkeypatch.setenv("DAGNIX_LOG_FORMAT", "json")
    monkeypatch.setattr(compose, "run", run)
    monkeypatch.setattr(compose, "settings", dict)
    for module in (sockets, compute_logs):
        monkeypatch.setattr(module, "ensure", lambda _: None)
    assert checkout.is_dir()
    compose.compose(project.current(), word, failure="")
    assert given.get("DAGNIX_LOG_FORMAT") == expected
