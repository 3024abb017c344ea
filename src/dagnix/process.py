"""The one place through which every subprocess goes (standard library only)."""

import errno
import os
import shlex
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from dagnix import UserError

if TYPE_CHECKING:
    from io import TextIOWrapper

TAIL_LINES = 15
# The kernel's words, Nix's guess, SQLite's words.
NO_SPACE = (os.strerror(errno.ENOSPC).lower(), "lack of free disk space", "disk is full")


@dataclass(frozen=True)
class Result:
    """What a command left behind; `output` is stdout and `errors` stderr, as text."""

    command: tuple[str, ...]
    returncode: int
    output: str = ""
    errors: str = ""

    @property
    def no_space(self) -> bool:
        """Whether the command said that a disk is full."""
        said = (self.output + self.errors).lower()
        return any(words in said for words in NO_SPACE)


class CommandError(UserError):
    """A command failed: the sentence, the command as typed, and the end of what it said."""

    def __init__(self, sentence: str, result: Result) -> None:
        self.result = result
        said = (result.errors.strip() or result.output.strip()).splitlines()[-TAIL_LINES:]
        shown = [f"  $ {shlex.join(result.command)}", *(f"  {line}" for line in said)]
        super().__init__("\n".join([sentence, *shown]))

    @property
    def output(self) -> str:
        """All that the command has printed."""
        return self.result.errors + self.result.output


def _drain(stream: IO[str], kept: list[str], line: Callable[[str], None] | None) -> None:
    for text in stream:
        kept.append(text)
        if line:
            line(text.rstrip("\n"))


def _popen(  # noqa: PLR0913 - what subprocesses of ours differ in
    command: Sequence[str],
    failure: str,
    *,
    env: Mapping[str, str] | None,
    stdin: int | IO[bytes] | None,
    stdout: IO[bytes] | None = None,
    capture: bool = True,
    joined: bool = False,
    cwd: Path | None = None,
) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE if capture else None
    try:
        return subprocess.Popen(
            command,
            stdin=stdin,
            stdout=stdout or pipe,
            stderr=subprocess.STDOUT if joined else pipe,
            env={**os.environ, **(env or {})},
            cwd=cwd,
            text=True,
            errors="replace",
        )
    except (FileNotFoundError, PermissionError) as error:
        raise UserError(f"{failure}: {command[0]} is not installed (./dagnix doctor)") from error


def run(  # noqa: PLR0913 - every option that a subprocess of ours needs, in one place
    command: Sequence[str | os.PathLike[str]],
    failure: str,
    *,
    check: bool = True,
    capture: bool = True,
    line: Callable[[str], None] | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout: float | None = None,
    source: IO[bytes] | None = None,
    target: IO[bytes] | None = None,
) -> Result:
    """Run `command` to its end and return its Result.

    `failure` is the sentence shown when it cannot be run or (with `check`) fails. `capture=False`
    leaves the terminal to the command; `line` is called with each line of its stderr as it comes;
    `env` is added to the environment; `timeout` is in seconds; `source` is a file that it reads,
    and `target` one that gets its stdout instead of the Result.

    Raises:
        UserError: the program is not installed, or the time is over.
        CommandError: with `check`, the exit code is not 0.

    """
    arguments = tuple(os.fspath(part) for part in command)
    stdin = source or (subprocess.DEVNULL if capture else None)
    process = _popen(
        arguments, failure, env=env, stdin=stdin, stdout=target, capture=capture, cwd=cwd
    )
    output: list[str] = []
    errors: list[str] = []
    readers = [
        threading.Thread(target=_drain, args=(stream, kept, each))
        for stream, kept, each in ((process.stdout, output, None), (process.stderr, errors, line))
        if stream
    ]
    for reader in readers:
        reader.start()
    try:
        process.wait(timeout)
    except subprocess.TimeoutExpired as error:
        process.kill()
        process.wait()
        raise UserError(
            f"{failure}: no answer within {timeout:g} s from `{shlex.join(arguments)}`"
        ) from error
    except KeyboardInterrupt:
        # The command got the same signal from the terminal: let it end in order.
        process.wait()
        raise
    for reader in readers:
        reader.join()
    result = Result(arguments, process.returncode, "".join(output), "".join(errors))
    if check and result.returncode:
        raise CommandError(f"{failure}.", result)
    return result


def lines(
    command: Sequence[str], failure: str, *, env: Mapping[str, str] | None = None
) -> Iterator[str]:
    """Yield each line that a command writes, to stdout or stderr, as it comes.

    Raises:
        UserError: the program is not installed.
        CommandError: its exit code is not 0.

    """
    kept: deque[str] = deque(maxlen=TAIL_LINES)
    process = _popen(command, failure, env=env, stdin=subprocess.DEVNULL, joined=True)
    with process, cast("IO[str]", process.stdout) as stream:
        for line in stream:
            kept.append(line)
            yield line.removesuffix("\n")
    if process.returncode:
        result = Result(tuple(command), process.returncode, "".join(kept))
        raise CommandError(f"{failure}.", result)


def feed(
    command: Sequence[str],
    failure: str,
    chunks: Iterable[bytes],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> None:
    """Run a command that reads `chunks` from its stdin.

    Raises:
        UserError: the program is not installed.
        CommandError: its exit code is not 0.

    """
    process = _popen(command, failure, env=env, stdin=subprocess.PIPE, joined=True, cwd=cwd)
    said: list[str] = []
    reader = threading.Thread(target=_drain, args=(process.stdout, said, None))
    reader.start()
    stream = cast("TextIOWrapper", process.stdin).buffer
    try:
        # Its exit code tells why it has read no more.
        with suppress(BrokenPipeError):
            for chunk in chunks:
                stream.write(chunk)
    finally:
        with suppress(BrokenPipeError):
            stream.close()
        process.wait()
        reader.join()
    if process.returncode:
        raise CommandError(f"{failure}.", Result(tuple(command), process.returncode, "".join(said)))
