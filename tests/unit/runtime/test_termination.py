"""termination.py: a code server sleeps until it ends."""

import os
import runpy
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
from grpc import _common, _server

PROGRAM = Path(__file__).parents[3] / "runtime/internal/codeserver/termination.py"
SHORT_SECONDS = 0.2
SOON_SECONDS = 20  # before the look each thirty seconds, however slow the machine is


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[grpc.Server]:
    wait = _server._Server.wait_for_termination  # noqa: SLF001
    monkeypatch.setattr(_server._Server, "wait_for_termination", wait)  # noqa: SLF001
    monkeypatch.setattr(_common, "wait", None)  # what looks again and again
    runpy.run_path(str(PROGRAM))
    server = grpc.server(ThreadPoolExecutor(1))
    server.start()
    yield server
    server.stop(None)


def test_the_end_of_a_server_is_told(server: grpc.Server) -> None:
    assert server.wait_for_termination(SHORT_SECONDS)
    threading.Timer(SHORT_SECONDS, server.stop, [None]).start()
    assert not server.wait_for_termination(SOON_SECONDS)
    assert not server.wait_for_termination()


def test_a_signal_need_not_wait(server: grpc.Server) -> None:
    """Dagster has SIGTERM raise KeyboardInterrupt there, as SIGINT does."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        threading.Timer(SHORT_SECONDS, os.kill, [os.getpid(), signal.SIGTERM]).start()
        with pytest.raises(KeyboardInterrupt):
            server.wait_for_termination(SOON_SECONDS)
    finally:
        signal.signal(signal.SIGTERM, before)
