"""support/markdown.py: a test that says it runs a command of a page does so."""

from pathlib import Path

import pytest
from support.markdown import Page

README = Page(Path("README.md"))
COMMAND = "./dagnix doctor"


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("typed", "run_by_tests"):
        monkeypatch.setattr(f"support.markdown.{name}", set())


def test_one_that_runs_it_passes() -> None:
    README.run_by(COMMAND)(lambda: README.typed(COMMAND, {}))()


def test_one_that_does_not_run_it_fails() -> None:
    with pytest.raises(AssertionError, match="it did not run"):
        README.run_by(COMMAND)(lambda: None)()


def test_a_command_that_the_page_does_not_show_is_refused() -> None:
    with pytest.raises(AssertionError, match="does not show"):
        README.run_by("./dagnix no-such-command")
