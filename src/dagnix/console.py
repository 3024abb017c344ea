"""What the user sees: colours and spinners on a terminal, plain lines elsewhere."""

import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.markup import escape
from rich.status import Status

# Colours (SGR), and all other control characters (C0 and C1) but tab and line feed.
_CONTROL = re.compile(r"\x1b\[[0-9;:]*m|[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_PLAIN = "\x1b[0m"
# Off the terminal a line must stay one line, whatever its length.
PLAIN_WIDTH = 200


def _console(*, stderr: bool) -> Console:
    terminal = (sys.stderr if stderr else sys.stdout).isatty()
    return Console(stderr=stderr, highlight=False, width=None if terminal else PLAIN_WIDTH)


out = _console(stderr=False)
err = _console(stderr=True)


def harmless(text: str, *, colours: bool = False) -> str:
    """Return text that others wrote, with its control characters shown in place of carried out.

    A terminal does as they say: it is given another title, clipboard or screen, or types an answer.
    `cat -v` shows them in the same way. Colours can do no such thing, and stay if wanted; they end
    with the text.
    """
    coloured = False

    def shown(match: re.Match[str]) -> str:
        nonlocal coloured
        if len(match[0]) > 1:
            coloured = coloured or colours
            return match[0] if colours else ""
        code = ord(match[0])
        return f"^{chr(code ^ 0x40)}" if code < 0x80 else f"\\x{code:02x}"

    safe = _CONTROL.sub(shown, text)
    return safe + _PLAIN if coloured else safe


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


def failed(text: str) -> None:
    """Print a line for something that did not work."""
    err.print(f"[red]✗[/] {escape(harmless(text))}", soft_wrap=True)


def warned(text: str) -> None:
    """Print a line for something that the user may not expect."""
    err.print(f"[yellow]![/] {escape(harmless(text))}", soft_wrap=True)
