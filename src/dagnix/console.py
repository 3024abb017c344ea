"""What the user sees: colours and spinners on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from getpass import getpass

from rich.console import Console
from rich.markup import escape
from rich.prompt import Confirm
from rich.status import Status

from dagnix import UserError
from dagnix.terminal import harmless

# Off the terminal a line must stay one line, whatever its length.
PLAIN_WIDTH = 200


def _console(*, stderr: bool) -> Console:
    terminal = (sys.stderr if stderr else sys.stdout).isatty()
    return Console(stderr=stderr, highlight=False, width=None if terminal else PLAIN_WIDTH)


out = _console(stderr=False)
err = _console(stderr=True)


@dataclass
class Step:
    """A piece of work under way; set `done` to what it came to."""

    done: str
    status: Status

    def show(self, text: str) -> None:
        """Say what it is at: beside the spinner on a terminal, nowhere else."""
        self.status.update(escape(harmless(text)))


@contextmanager
def step(doing: str, done: str = "") -> Iterator[Step]:
    """Show `doing` with a spinner, then a line with what was done and how long it took."""
    start = time.monotonic()
    with err.status(doing) as status:
        current = Step(done or doing, status)
        yield current
    finished(current.done, time.monotonic() - start)


def finished(text: str, seconds: float) -> None:
    """Print a line for work that is done."""
    err.print(f"[green]✓[/] {escape(harmless(text))} [dim]({seconds:.1f} s)[/]", soft_wrap=True)


def confirm(question: str) -> None:
    """Ask whether to go on. Raises UserError if not."""
    try:
        answer = Confirm.ask(escape(question), console=err, default=False)
    except EOFError:
        answer = False
    if not answer:
        raise UserError("Nothing was changed.")


def hidden(what: str, *, twice: bool = False) -> str:
    """Ask for something that is not shown, with `twice` until it is typed the same twice."""
    while sys.stdin.isatty():
        # It switches the echo off before it asks; rich's prompt shows what is typed at once.
        try:
            typed = getpass(f"{what}: ")
            if not twice or getpass("The same again: ") == typed:
                return typed
        except EOFError:
            raise UserError("Nothing was changed.") from None
        err.print("The two are not the same.")
    raise UserError(f"{what}: there is no terminal to ask at.")


def failed(text: str) -> None:
    """Print a line for something that did not work."""
    err.print(f"[red]✗[/] {escape(harmless(text))}", soft_wrap=True)


def warned(text: str) -> None:
    """Print a line for something that the user may not expect."""
    err.print(f"[yellow]![/] {escape(harmless(text))}", soft_wrap=True)
