"""The program that says, at each load, what is to be loaded."""

import os
import signal
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from dagster_dagnix.server.load import Load
from dagster_dagnix.server.loop import SIGNALS, Loop

ERROR_VARIABLE = "DAGNIX_LOAD_ERROR"
OUTPUT_BYTES = 16 << 20

Prepared = Callable[[Load | None, str], None]


class Prepare:
    """Runs the program of --prepare, or stands for there being none."""

    def __init__(
        self, loop: Loop, location: str, program: Sequence[str], options: Sequence[str]
    ) -> None:
        """`options` are those of `dagster api grpc` that serve without a program."""
        self._loop, self._location = loop, location
        self._program, self._options = list(program), tuple(options)

    def run(self, prepared: Prepared) -> None:
        """Call back with the load, or with None and why there is none."""
        if not self._program:
            self._loop.later(0, partial(prepared, Load(str(Path.cwd()), self._options), ""))
            return
        output, errors = os.memfd_create("output"), os.memfd_create("errors")
        try:
            pid = os.posix_spawnp(
                self._program[0],
                self._program,
                os.environ,
                file_actions=[(os.POSIX_SPAWN_DUP2, output, 1), (os.POSIX_SPAWN_DUP2, errors, 2)],
                setsigdef=SIGNALS | {signal.SIGPIPE},
            )
        except OSError as error:
            os.close(output)
            os.close(errors)
            said = f"{self._program[0]} cannot be started: {error.strerror}."
            self._loop.later(0, partial(prepared, None, said))
            return
        self._loop.watch_process(pid, partial(self._ended, prepared, output, errors))

    def unprepared(self, error: str) -> Load | None:
        """Return a load that has Dagster show why there is none."""
        if not self._program:
            return None
        module = "dagster_dagnix.server.unprepared"
        options = ("--module-name", module, "--location-name", self._location)
        return Load(str(Path.cwd()), options, {**os.environ, ERROR_VARIABLE: error})

    def _ended(self, prepared: Prepared, output: int, errors: int, pid: int) -> None:
        _, status = os.waitpid(pid, 0)
        code = os.waitstatus_to_exitcode(status)
        text, said = (os.pread(file, OUTPUT_BYTES, 0).decode() for file in (output, errors))
        os.close(output)
        os.close(errors)
        if code:
            reason = said.strip() or f"{self._program[0]} ended with {code}, without saying why."
            prepared(None, reason)
            return
        try:
            load = Load.parse(text)
        except ValueError as error:
            prepared(None, str(error))
            return
        prepared(load, "")
