"""Programs whose messages are read by program: so they are told to speak English."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from dagnix import process

NO_SPACE = "No space left on device"


def output_of(
    command: Sequence[str | Path],
    *,
    environment: Mapping[str, str] | None = None,
    directory: Path | None = None,
) -> str:
    """Run a program to its end and return its standard output.

    Raises CommandError with everything it printed if it fails, UserError if it is not installed.
    """
    english = {"LC_ALL": "C.UTF-8", **(environment or {})}
    return process.run(command, f"{command[0]} failed", env=english, cwd=directory).output


def last_error(output: str) -> str:
    """Return what a program's output says went wrong: its last line that names an error."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    named = [line for line in lines if line.lower().startswith(("e:", "error", "fatal"))]
    return (named or lines or ["it printed nothing"])[-1].removeprefix("E: ")
