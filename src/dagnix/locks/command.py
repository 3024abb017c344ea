"""Programs whose messages are read by program: their output, or what went wrong in English."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from dagnix import process

NO_SPACE = "No space left on device"


class CommandError(Exception):
    """A program that ran and failed, with all that it printed, and its standard output alone."""

    def __init__(self, program: str, output: str, standard_output: str = "") -> None:
        super().__init__(f"{program} failed: {output.strip()}")
        self.output = output
        self.standard_output = standard_output


def run(
    command: Sequence[str | Path],
    *,
    environment: Mapping[str, str] | None = None,
    directory: Path | None = None,
) -> str:
    """Run a program to its end and return its standard output.

    Raises CommandError with everything it printed if it fails, UserError if it is not installed.
    """
    result = process.run(
        command,
        f"{command[0]} cannot run",
        check=False,
        env={"LC_ALL": "C.UTF-8", **(environment or {})},
        cwd=directory,
    )
    if result.returncode:
        raise CommandError(str(command[0]), result.errors + result.output, result.output)
    return result.output


def last_error(output: str) -> str:
    """Return what a program's output says went wrong: its last line that names an error."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    named = [line for line in lines if line.lower().startswith(("e:", "error", "fatal"))]
    return (named or lines or ["it printed nothing"])[-1].removeprefix("E: ")
