"""The code server: started, watched, and replaced when the code is loaded again."""

import json
import os
import signal
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from dagster_dagnix.protocol import RunServer, listens
from dagster_dagnix.server import children
from dagster_dagnix.server.errors import Error
from dagster_dagnix.server.load import Load
from dagster_dagnix.server.loop import Fork, Loop
from dagster_dagnix.server.prepare import Prepare

LOOK_SECONDS = 0.02  # whether a new one listens
LATER_SECONDS = 1.0  # until the old one is ended, for what has just been asked of it
KILL_SECONDS = 15.0  # from when it is told to end
# An old one first answers what it was asked, such as a sensor's tick, for Dagster's grace period.
GRACE_VARIABLE, GRACE_SECONDS = "DAGSTER_GRPC_SHUTDOWN_GRACE_PERIOD", 60.0
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
LIVED_SECONDS = 60.0  # one that ended after that has not ended at once
ERROR_BYTES = 16 << 20

Loaded = Callable[[Error | None], None]


@dataclass
class CodeServer:
    """A process that serves code, or is about to."""

    pid: int
    path: Path
    load: Load
    is_lazy: bool
    error: int  # the file that it tells in why the code does not load
    is_ready: bool = False
    is_ending: bool = False


class Code:
    """The location's code: the newest load that worked, and the code server of it."""

    def __init__(
        self, loop: Loop, folder: Path, server: RunServer, prepare: Prepare, ready: Loaded
    ) -> None:
        """`ready` is called when another code server is ready, with why the code is not loaded."""
        self._loop, self._folder, self._server = loop, folder, server
        self._prepare, self._ready = prepare, ready
        self._number = 0
        self._servers: dict[int, CodeServer] = {}  # all that live, by process number
        self.current: CodeServer | None = None
        self.error: Error | None = None
        self._is_loading = False
        self._answers: list[Loaded] = []  # to this load
        self._waiting: list[Loaded] = []  # for the next one
        self._pause = FIRST_PAUSE
        self._is_stopping = False

    @property
    def load(self) -> Load | None:
        """What runs are started with, or None while the code is not loaded."""
        current = self.current
        return current.load if current and current.is_ready and not current.is_lazy else None

    @property
    def socket(self) -> str | None:
        """The name of the socket of the code server that is ready."""
        return self.current.path.name if self.current and self.current.is_ready else None

    @property
    def lives(self) -> bool:
        """Whether any code server is left."""
        return bool(self._servers)

    def loads(self) -> Iterable[Load]:
        """Return the loads of all code servers that live."""
        return [each.load for each in self._servers.values()]

    def state(self) -> dict[str, Any]:
        """Return what `ping` says of the code."""
        current = self.current
        return {
            "socket": self.socket,
            "ready": bool(self.socket),
            "lazy": bool(current and current.is_lazy),
            "error": self.error,
        }

    def reload(self, answer: Loaded) -> None:
        """Load the code as it is now, and answer when that is done, with the error if there is."""
        if self._is_stopping:
            answer("The run server is ending, and loads no more code.")
        elif self._is_loading:
            self._waiting.append(answer)
        else:
            self._is_loading = True
            self._answers.append(answer)
            self._prepare.run(self._prepared)

    def look(self) -> None:
        """Start another code server if the socket of the one that serves is gone."""
        current = self.current
        if current and current.is_ready and not current.path.is_socket():
            self._end(current, KILL_SECONDS)
            self._restart(current)

    def stop(self) -> None:
        """End all code servers."""
        self._is_stopping = True
        for each in list(self._servers.values()):
            self._end(each, KILL_SECONDS)

    def _prepared(self, load: Load | None, error: str) -> None:
        if load:
            self._start(load, is_lazy=False)
        else:
            self._failed(error, self._prepare.unprepared(error))
            self._try_again()

    def _start(self, load: Load, *, is_lazy: bool) -> None:
        if self._is_stopping:
            return
        path = self._folder / self._server.code_socket(self._number)
        self._number += 1
        error = os.memfd_create("error")
        fork = Fork("code server", partial(children.serve_code, load, path, error, is_lazy))
        try:
            pid = self._loop.fork(fork, self._ended, keep=error)
        except OSError as reason:
            os.close(error)
            self._failed(f"No process can be started for the code server: {reason}.", None)
            return
        self._servers[pid] = CodeServer(pid, path, load, is_lazy, error)
        self._look_whether_ready(self._servers[pid])

    def _look_whether_ready(self, new: CodeServer) -> None:
        if new.pid not in self._servers or new.is_ending:
            return
        if not listens(new.path):
            self._loop.later(LOOK_SECONDS, partial(self._look_whether_ready, new))
            return
        new.path.chmod(0o600)
        new.is_ready = True
        old, self.current = self.current, new
        if not new.is_lazy:
            self.error = None
        if old and old.pid in self._servers:
            self._loop.later(LATER_SECONDS, partial(self._end, old, KILL_SECONDS + grace(old.load)))
        self._loop.later(LIVED_SECONDS, partial(self._has_lived, new))
        self._ready(self.error)
        self._done()

    def _has_lived(self, server: CodeServer) -> None:
        if self.current is server:
            self._pause = FIRST_PAUSE

    def _ended(self, pid: int) -> None:
        _, status = os.waitpid(pid, 0)
        server = self._servers.pop(pid)
        text = os.pread(server.error, ERROR_BYTES, 0)
        os.close(server.error)
        server.path.unlink(missing_ok=True)
        if self._is_stopping or server.is_ending:
            return
        code = os.waitstatus_to_exitcode(status)
        print(f"run server: the code server {server.path.name} ended with {code}.", flush=True)
        if server.is_ready:
            self._restart(server)
            return
        error: Error = (
            json.loads(text)
            if text
            else f"The process that loads the code ended with {code}, without saying why."
        )
        self._failed(error, None if server.is_lazy else server.load)

    def _restart(self, server: CodeServer) -> None:
        """Start a code server again, which served, if no other one is about to take its place."""
        pause, self._pause = self._pause, min(2 * self._pause, LONGEST_PAUSE)
        self._loop.later(pause, partial(self._start_again, server))

    def _start_again(self, server: CodeServer) -> None:
        if self.current is server and not self._is_loading:
            self._is_loading = True
            self._start(server.load, is_lazy=server.is_lazy)

    def _failed(self, error: Error, load: Load | None) -> None:
        """Keep to the code that there is; without any, have Dagster show the error."""
        self.error = error
        current = self.current
        if current and current.pid in self._servers:
            self._done()
        elif current and not current.is_lazy and current.load is not load:
            self._start(current.load, is_lazy=False)
        elif load:
            self._start(load, is_lazy=True)
        else:
            self._done()
            self._try_again()

    def _try_again(self) -> None:
        """Load the code again later, if there is none by then."""
        pause, self._pause = self._pause, min(2 * self._pause, LONGEST_PAUSE)
        self._loop.later(pause, self._reload_if_there_is_none)

    def _reload_if_there_is_none(self) -> None:
        if self.load is None and not self._is_loading:
            self.reload(lambda _: None)

    def _done(self) -> None:
        self._is_loading = False
        answers, self._answers = self._answers, self._waiting
        self._waiting = []
        for answer in answers:
            answer(self.error)
        if self._answers and not self._is_stopping:
            self._is_loading = True
            self._prepare.run(self._prepared)

    def _end(self, server: CodeServer, kill_seconds: float) -> None:
        if server.pid not in self._servers or server.is_ending:
            return
        server.is_ending = True
        os.kill(server.pid, signal.SIGTERM)
        self._loop.later(kill_seconds, partial(self._kill, server))

    def _kill(self, server: CodeServer) -> None:
        if self._servers.get(server.pid) is server:
            os.kill(server.pid, signal.SIGKILL)


def grace(load: Load) -> float:
    """Return how many seconds Dagster lets a code server answer what it was asked before."""
    try:
        return float(load.environment.get(GRACE_VARIABLE) or GRACE_SECONDS)
    except ValueError:
        return GRACE_SECONDS
