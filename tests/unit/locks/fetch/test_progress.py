"""What a fetch says while it goes on."""

import io

import pytest

from dagnix.locks.fetch import progress
from dagnix.locks.fetch.progress import Progress


class Terminal(io.StringIO):
    def __init__(self, encoding: str) -> None:
        super().__init__()
        self.spoken = encoding

    @property
    def encoding(self) -> str:
        return self.spoken

    def isatty(self) -> bool:
        return True


def test_terminal_gets_one_line_with_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    terminal = Terminal("utf-8")
    shown = Progress(4, 4_000_000, terminal)
    shown.show(1, 1_000_000)
    shown.show(3, 3_000_000)
    said = terminal.getvalue()
    assert "\n" not in said
    assert "██████░░░░░░░░░░░░░░░░░░ 1 of 4 files, 1 of 4 MB" in said
    assert "3 of 4 files, 3 of 4 MB" in said


def test_terminal_without_unicode_gets_plain_signs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    terminal = Terminal("ascii")
    Progress(4, 4_000_000, terminal).show(1, 1_000_000)
    assert "######------------------" in terminal.getvalue()


@pytest.mark.parametrize("stream", [io.StringIO(), Terminal("utf-8")], ids=["file", "dumb"])
def test_elsewhere_it_is_a_line_now_and_then(
    monkeypatch: pytest.MonkeyPatch, stream: io.StringIO
) -> None:
    monkeypatch.setenv("TERM", "dumb")
    now = 0.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    shown = Progress(4, 4_000_000, stream)
    for now in range(10):  # noqa: B007 - read by the clock above
        shown.show(1, 1_000_000)
    assert stream.getvalue() == "fetching: 1 of 4 files, 1 of 4 MB, 0.0 MB/s\n"


def test_a_size_that_nobody_knows_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    terminal = Terminal("utf-8")
    Progress(36, 0, terminal).show(18, 5_000_000)
    assert "████████████░░░░░░░░░░░░ 18 of 36 files\x1b" in terminal.getvalue()
    assert "MB" not in terminal.getvalue()
