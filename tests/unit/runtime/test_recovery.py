"""recovery.py: a location that could not be reached is soon asked for again."""

import runpy
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._grpc import server_watcher
from dagster._grpc.client import DagsterGrpcClient

PROGRAM = Path(__file__).parents[3] / "runtime/internal/dagster/recovery.py"
SOON_SECONDS = 8  # before Dagster's own ten, however slow the machine is


class Listening(DagsterGrpcClient):
    """A code server that can be reached, and has been the same since it was first looked at."""

    def get_server_id(self, timeout: int | None = None) -> str:
        del timeout
        return "the same"


def test_a_location_that_was_not_reached_is_asked_for_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(server_watcher, "ERROR_RECOVERY_INTERVAL", None)
    runpy.run_path(str(PROGRAM))
    asked = threading.Event()
    error = SimpleNamespace(cls_name=DagsterUserCodeUnreachableError.__name__)
    entry: Any = SimpleNamespace(load_error=error)

    def unexpected(*_: object) -> None:
        pytest.fail("nothing has changed")

    end, watch = server_watcher.create_grpc_watch_thread(
        "pipes",
        Listening(port=1),
        get_location_entry=lambda _: entry,
        refresh_code_location=lambda _: asked.set(),
        on_disconnect=unexpected,
        on_reconnected=unexpected,
        on_updated=unexpected,
        on_error=unexpected,
    )
    watch.start()
    assert asked.wait(SOON_SECONDS)
    end.set()
    watch.join()
