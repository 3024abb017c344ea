"""refresh.py: the webserver takes over what the workspace's file says now."""

import runpy
import sys
import threading
import time
from pathlib import Path

import pytest
from dagster._core.workspace.context import WorkspaceProcessContext
from watchdog import observers

PROGRAM = Path(__file__).parents[3] / "runtime/internal/workspace/refresh.py"
LOOKED_SECONDS = 1  # for the thread to have looked
SOON_SECONDS = 8  # before the look each ten seconds, however slow the machine is


class Webserver(WorkspaceProcessContext):
    """Reads the file when it is asked to."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.file = file
        self.text = file.read_text()
        self.read = threading.Event()

    def __del__(self) -> None:
        """Have nothing of Dagster's to end."""

    def refresh_workspace(self) -> None:
        self.text = self.file.read_text()
        self.read.set()


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the workspace's file, which nothing follows yet."""
    monkeypatch.setattr(WorkspaceProcessContext, "__init__", lambda _: None)
    monkeypatch.setattr(sys, "argv", ["-c", str(tmp_path / "workspace.yaml")])
    replace(tmp_path / "workspace.yaml", "first")
    return tmp_path / "workspace.yaml"


def replace(file: Path, text: str) -> None:
    """Write the file as the entrypoint does."""
    beside = file.with_suffix(".new")
    beside.write_text(text)
    beside.rename(file)


def test_a_change_is_taken_over_at_once(file: Path) -> None:
    runpy.run_path(str(PROGRAM))
    webserver = Webserver(file)
    replace(file, "second")
    assert webserver.read.wait(SOON_SECONDS)
    assert webserver.text == "second"


def test_a_change_before_the_webserver_has_begun_is_not_lost(file: Path) -> None:
    runpy.run_path(str(PROGRAM))
    replace(file, "second")
    time.sleep(LOOKED_SECONDS)
    webserver = Webserver(file)
    assert webserver.read.wait(SOON_SECONDS)


def test_who_cannot_be_told_looks(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def start(_: object) -> None:
        raise OSError("inotify instance limit reached")

    monkeypatch.setattr(observers.Observer, "start", start)
    runpy.run_path(str(PROGRAM))
    webserver = Webserver(file)
    replace(file, "second")
    assert "seen after 10 s: inotify instance limit reached" in capsys.readouterr().out
    assert webserver.read.wait(10 * SOON_SECONDS)
