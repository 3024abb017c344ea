"""heartbeat.py: the inner server is told every ten seconds that the outer one is there."""

import runpy
import threading
from pathlib import Path
from typing import Any

import pytest
from dagster._grpc import client

PROGRAM = Path(__file__).parents[3] / "runtime/internal/codeserver/heartbeat.py"
SECONDS = 10


class Pauses(threading.Event):
    """Is set at the first wait, and knows how long that was to be."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float | None] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.seconds.append(timeout)
        self.set()
        return True


def test_dagster_pauses_for_ten_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "CLIENT_HEARTBEAT_INTERVAL", client.CLIENT_HEARTBEAT_INTERVAL)
    runpy.run_path(str(PROGRAM))
    pauses, nobody = Pauses(), Any
    client.client_heartbeat_thread(nobody, pauses)
    assert pauses.seconds == [SECONDS]
