"""The run server as a whole: what it answers, and when it serves and ends."""

import signal
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from dagster_dagnix.protocol import (
    CODE_LINK,
    MEMORY_TAG,
    RUN_LINK,
    RunServer,
    folder_of,
    tell,
)
from dagster_dagnix.server.code import Code
from dagster_dagnix.server.connections import Answer, Listener
from dagster_dagnix.server.errors import Error, sentence
from dagster_dagnix.server.housekeeping import Housekeeping
from dagster_dagnix.server.links import Busy, Links
from dagster_dagnix.server.load import Load
from dagster_dagnix.server.loop import Loop
from dagster_dagnix.server.prepare import Prepare
from dagster_dagnix.server.reporter import End, Reporter
from dagster_dagnix.server.retries import Retries
from dagster_dagnix.server.watch import Watch
from dagster_dagnix.server.workers import NO_LIMIT, MemoryLimit, Worker, Workers

LOOK_SECONDS = 5.0
BUSY_SECONDS, BUSY_TRIES = 0.05, 100
END_SECONDS = 0.1
# How long a run server that was told to end waits while the database takes no reports. After that
# it leaves them to the next one.
REPORT_SECONDS = 15.0


@dataclass(frozen=True)
class Settings:
    """What the command line and the environment say."""

    sockets: str
    location: str
    prepare: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    watch: tuple[str, ...] = ()
    kill_seconds: float = 120.0
    memory: MemoryLimit = NO_LIMIT  # of a run without a tag


class Server:
    """Answers requests, and serves unless another one does."""

    def __init__(self, loop: Loop, settings: Settings, own: RunServer) -> None:
        self._loop, self._settings, self._own = loop, settings, own
        folder = folder_of(settings.sockets, settings.location)
        self._links = Links(folder, own)
        self._is_draining = self._is_ending = False
        self._was_ready = self._was_serving = False
        self._reports_until: float | None = None  # when it ends without them; monotonic
        self._missed = 0  # looks in a row at which no run server served
        self._links.sweep()
        self._path = folder / own.socket
        self._listener = Listener(loop, self._path, self._handle)
        prepare = Prepare(
            loop, settings.location, settings.prepare, settings.options, self._generations
        )
        self._code = Code(loop, folder, own, prepare, self._code_is_ready)
        self._workers = Workers(loop, self._path, settings.kill_seconds, self._worker_ended)
        self._retries = Retries(loop, folder, settings.location, self._load_served)
        self._reporter = Reporter(
            loop, folder, settings.location, self._load, self._retries.run_failed
        )
        self._housekeeping = Housekeeping(loop, self._load)
        self._requests: dict[str, Callable[[dict[str, Any], Answer], None]] = {
            "ping": self._ping,
            "start": self._start,
            "start_step": self._start_step,
            "check": self._check,
            "end": self._end,
            "serve": self._serve,
            "drain": self._drain_asked,
            "leave": self._leave,
            "reload": self._reload,
            "remove_files": self._remove_files,
            "prune_files": self._housekeeping.prune_files,
        }

    def begin(self) -> None:
        """Load the code; the loop does the rest."""
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.on_signal(number, self._end_after_runs)
        self._is_draining = self._links.is_marked(self._own.host)
        self._code.reload(self._say_loaded)
        self._loop.later(LOOK_SECONDS, self._look)
        if self._settings.watch:
            Watch(self._loop, self._settings.watch, self._path).begin()

    def _generations(self) -> Iterable[str]:
        """Return the generations of the code that live processes use."""
        return [each.generation for each in (*self._code.loads(), *self._workers.loads())]

    # What is asked

    def _handle(self, request: dict[str, Any], answer: Answer) -> None:
        do = self._requests.get(str(request.get("do")))
        if do is None:
            answer({"error": f"A run server does {', '.join(self._requests)}, not {request}."})
            return
        do(request, answer)

    def _ping(self, _request: dict[str, Any], answer: Answer) -> None:
        answer(
            {
                "host": self._own.host,
                "boot": self._own.boot,
                "draining": self._is_draining,
                "ending": self._is_ending,
                "serving": self._serves(),
                "code": self._code.state(),
                "runs": self._workers.live_runs(),
            }
        )

    def _start(self, request: dict[str, Any], answer: Answer) -> None:
        run_id = request["run_id"]
        found = self._workers.find(run_id)
        if found and found.code is None:
            answer({"pid": found.pid})
            return
        load = self._code.load
        if self._is_draining:
            answer({"away": "This run server is being replaced, and takes no new runs."})
        elif load is None:
            answer({"away": "The code of this location is not loaded."})
        else:
            self._reporter.drop(run_id)
            limit = self._settings.memory
            if "memory" in request:
                limit = MemoryLimit(request["memory"], f"the tag {MEMORY_TAG}")
            self._answer_started(lambda: self._workers.start_run(run_id, load, limit), answer)

    def _start_step(self, request: dict[str, Any], answer: Answer) -> None:
        run = self._workers.find(request["run_id"])
        if run is None or run.code is not None:
            answer({"error": f"The run {request['run_id']} is no process of this run server."})
            return
        key, arguments = request["key"], request["arguments"]
        self._answer_started(lambda: self._workers.start_step(key, run, arguments), answer)

    def _answer_started(self, start: Callable[[], Worker], answer: Answer) -> None:
        try:
            answer({"pid": start().pid})
        except OSError as error:
            answer({"away": f"No process can be started: {error.strerror}."})

    def _check(self, request: dict[str, Any], answer: Answer) -> None:
        worker = self._workers.find(_key(request))
        if worker is None:
            answer({"known": False})
        else:
            reported = bool(worker.status)
            answer({"known": True, "pid": worker.pid, "code": worker.code, "reported": reported})

    def _end(self, request: dict[str, Any], answer: Answer) -> None:
        answer({"ended": self._workers.end(_key(request))})

    def _serve(self, _request: dict[str, Any], answer: Answer, tries: int = BUSY_TRIES) -> None:
        if self._code.load is None:
            answer({"error": "This run server cannot serve, as its code is not loaded."})
            return
        try:
            with self._links.locked():
                predecessor = RunServer.parse(self._links.named(RUN_LINK) or "")
                self._links.unmark(self._own.host)
                self._is_draining = False
                self._take_links()
                if predecessor and predecessor.host != self._own.host:
                    self._links.mark(predecessor.host)
        except Busy:
            if tries == 0:
                answer({"error": "Another run server keeps the lock of the links: try again."})
            else:
                again = partial(self._serve, _request, answer, tries - 1)
                self._loop.later(BUSY_SECONDS, again)
            return
        if predecessor and predecessor.host != self._own.host:
            with suppress(OSError):  # it may be gone; otherwise it sees its marker soon
                tell(self._links.folder / predecessor.socket, "drain")
        answer({"served": True})

    def _drain_asked(self, _request: dict[str, Any], answer: Answer) -> None:
        self._links.mark(self._own.host)
        self._drain()
        answer({"draining": True})

    def _leave(self, request: dict[str, Any], answer: Answer) -> None:
        self._remove_links()
        self._drain_asked(request, answer)

    def _reload(self, _request: dict[str, Any], answer: Answer) -> None:
        def loaded(error: Error | None) -> None:
            self._say_loaded(error)
            answer({"error": error} if error else {"code": self._code.state()})

        self._code.reload(loaded)

    def _remove_files(self, request: dict[str, Any], answer: Answer) -> None:
        self._housekeeping.remove_files(request["run_ids"])
        answer({"removes": True})

    # What happens

    def _code_is_ready(self, _error: Error | None) -> None:
        if not self._was_ready:
            self._was_ready = True
            self._reporter.look_for_lost()
        if self._serves():
            self._links.point(CODE_LINK, self._code.socket or "")
        else:
            self._serve_if_none_does()

    def _say_loaded(self, error: Error | None) -> None:
        said = f"the code is not loaded: {sentence(error)}" if error else "the code is loaded."
        print(f"run server: {said}", flush=True)

    def _worker_ended(self, worker: Worker) -> None:
        if worker.is_run:
            print(f"run server: run {worker.key} ended with {worker.code}.", flush=True)
            if not worker.status:
                after = self._settings.kill_seconds if worker.was_killed else None
                end = End(worker.run_id, worker.code or 0, after, worker.over_memory)
                self._reporter.add(end)
            elif worker.status.strip() == "FAILURE":
                self._retries.run_failed()
        self._end_if_done()

    def _look(self) -> None:
        """Make again what was deleted, and serve if no run server does."""
        self._loop.later(LOOK_SECONDS, self._look)
        self._listener.look()
        self._code.look()
        if self._links.sweep():
            self._reporter.look_for_lost()
        if self._links.is_marked(self._own.host):
            self._drain()
        if self._links.is_served(self._code.socket) or self._is_draining:
            self._missed = 0
        else:
            self._missed += 1
            # If nobody serves, the last one that did takes over at once, others a look later.
            if self._was_serving or self._missed > 1:
                self._serve_if_none_does()
        self._end_if_done()

    def _serve_if_none_does(self) -> None:
        """Serve if nobody does."""
        if not self._code.socket or self._is_draining or self._links.is_marked(self._own.host):
            return
        try:
            with self._links.locked():
                if not self._links.is_served_by_another():
                    self._take_links()
        except Busy:
            return

    def _take_links(self) -> None:
        self._links.point(CODE_LINK, self._code.socket or "")
        self._links.point(RUN_LINK, self._own.socket)
        if not self._was_serving:
            print(f"run server: serves {self._settings.location}.", flush=True)
        self._was_serving = True

    def _remove_links(self) -> None:
        self._was_serving = False
        self._links.remove(RUN_LINK, self._own.socket)
        self._links.remove(CODE_LINK, self._own.code_socket(0).removesuffix("0.sock"))

    def _drain(self) -> None:
        """Take no new runs."""
        if not self._is_draining:
            print("run server: takes no new runs.", flush=True)
        self._is_draining = True

    def _end_after_runs(self) -> None:
        """Take no new runs, and end after the last one."""
        self._drain()
        self._is_ending = True
        self._end_if_done()

    def _end_if_done(self) -> None:
        if not self._is_ending or self._workers.any_live:
            return
        self._reports_until = self._reports_until or time.monotonic() + REPORT_SECONDS
        may_end = self._reporter.is_done or time.monotonic() > self._reports_until
        if may_end:
            self._code.stop()
        if not may_end or self._code.lives:
            self._loop.later(END_SECONDS, self._end_if_done)
            return
        if not self._reporter.is_done:
            print("run server: the next one reports how the last runs ended.", flush=True)
        self._remove_links()
        self._listener.close()
        self._loop.stop()

    def _serves(self) -> bool:
        return self._links.named(RUN_LINK) == self._own.socket

    def _load_served(self) -> Load | None:
        return self._code.load if self._serves() and not self._is_ending else None

    def _load(self) -> Load:
        """Return what the reporter is started with, which needs the instance's environment."""
        current = self._code.current
        return current.load if current else Load(str(Path.cwd()), ())


def _key(request: dict[str, Any]) -> str:
    return request.get("key") or request["run_id"]
