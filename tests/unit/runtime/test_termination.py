"""termination.py: a code server sleeps until it ends."""

import runpy
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
from grpc import _common, _server

PROGRAM = Path(__file__).parents[3] / "runtime/internal/codeserver/termination.py"
SOON_SECONDS = 60  # however slow the machine is


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> grpc.Server:
    wait = _server._Server.wait_for_termination  # noqa: SLF001
    monkeypatch.setattr(_server._Server, "wait_for_termination", wait)  # noqa: SLF001
    monkeypatch.setattr(_common, "wait", None)  # what looks again and again
    runpy.run_path(str(PROGRAM))
    server = grpc.server(ThreadPoolExecutor(1))
    server.start()
    return server


def test_the_end_of_a_server_is_told(server: grpc.Server) -> None:
    assert server.wait_for_termination(0.01)
    threading.Timer(0.1, server.stop, [None]).start()
    assert not server.wait_for_termination(SOON_SECONDS)


def test_a_signal_need_not_wait(server: grpc.Server) -> None:
    """Dagster's handler of SIGTERM ends the server."""
    before = signal.signal(signal.SIGTERM, lambda *_: server.stop(None))
    try:
        main = threading.main_thread().ident
        assert main is not None
        threading.Timer(0.1, signal.pthread_kill, [main, signal.SIGTERM]).start()
        assert not server.wait_for_termination(SOON_SECONDS)
    finally:
        signal.signal(signal.SIGTERM, before)
