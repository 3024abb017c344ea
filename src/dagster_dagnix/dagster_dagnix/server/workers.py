"""The processes of runs and steps."""

import os
import signal
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from dagster_dagnix.server import children, memory
from dagster_dagnix.server.load import Load
from dagster_dagnix.server.loop import Fork, Loop, Timer
from dagster_dagnix.server.process import kill_session
from dagster_dagnix.size import shown

REMEMBERED = 1000  # ended ones, so that it is known how
REPORT_BYTES = 100
LOOK_SECONDS = 1.0  # how much memory runs take


@dataclass(frozen=True)
class MemoryLimit:
    """How many bytes a run's processes may take together, and what says so; 0 is no limit."""

    size: int = 0
    origin: str = ""


NO_LIMIT = MemoryLimit()


@dataclass
class Worker:
    """A process of a run or a step."""

    key: str  # the run's ID, or that of a step
    run_id: str
    pid: int
    load: Load
    file: int  # that it reports its end in
    code: int | None = None  # exit code, or minus the signal
    status: str = ""  # what it reported: the status that the run ended with; a line of its own
    limit: Timer | None = None  # upon which it is killed
    was_killed: bool = False
    memory: MemoryLimit = NO_LIMIT
    took: int = 0  # bytes, when that was more than it may take, and it was killed

    @property
    def is_run(self) -> bool:
        """Whether it is a run, not a step of one."""
        return self.key == self.run_id

    @property
    def over_memory(self) -> str:
        """Why a run was killed, if it was for what it took."""
        if not self.took:
            return ""
        return (
            f"The run took {shown(self.took)} of memory and may take {shown(self.memory.size)} "
            f"({self.memory.origin}): it was killed."
        )


class Workers:
    """Starts and ends processes, each under a key: who asks twice gets one process."""

    def __init__(
        self, loop: Loop, server: Path, kill_seconds: float, ended: Callable[[Worker], None]
    ) -> None:
        self._loop, self._server, self._kill_seconds = loop, server, kill_seconds
        self._ended = ended
        self._workers: dict[str, Worker] = {}
        self._looks = False  # at memory

    def find(self, key: str) -> Worker | None:
        """Return the process of a run or a step, also one that has ended."""
        return self._workers.get(key)

    def loads(self) -> Iterable[Load]:
        """Return the loads of all processes that live."""
        return [each.load for each in self._workers.values() if each.code is None]

    def live_runs(self) -> list[str]:
        """Return the IDs of the runs that have a process."""
        return [each.run_id for each in self._workers.values() if each.is_run and each.code is None]

    @property
    def any_live(self) -> bool:
        """Whether any run or step has a process."""
        return any(each.code is None for each in self._workers.values())

    def start_run(self, run_id: str, load: Load, limit: MemoryLimit) -> Worker:
        """Start a run. Raises OSError when there can be no more processes."""
        run = self._start(run_id, run_id, load, partial(children.execute_run, run_id=run_id))
        run.memory = limit
        if limit.size and not self._looks:
            self._looks = True
            self._loop.later(LOOK_SECONDS, self._look_at_memory)
        return run

    def start_step(self, key: str, run: Worker, arguments: str) -> Worker:
        """Start a step of a run that is a process here. Raises OSError as `start_run` does."""
        do = partial(children.execute_step, arguments=arguments)
        return self._start(key, run.run_id, run.load, do)

    def end(self, key: str) -> bool:
        """Tell a process to end, and kill it if it has not in time; tell whether there is one."""
        worker = self._workers.get(key)
        if worker is None or worker.code is not None:
            return False
        os.kill(worker.pid, signal.SIGTERM)
        if worker.limit is None:
            worker.limit = self._loop.later(self._kill_seconds, partial(self._kill, worker))
        return True

    def _start(self, key: str, run_id: str, load: Load, do: Callable[..., int]) -> Worker:
        found = self._workers.get(key)
        if found and found.code is None:
            return found
        reading, writing = os.pipe()
        is_run = key == run_id
        try:
            pid = self._loop.fork(
                Fork("run" if is_run else "step", partial(do, load, self._server, report=writing)),
                partial(self._bury, key),
                keep=writing,
            )
        except OSError:
            os.close(reading)
            os.close(writing)
            raise
        os.close(writing)
        self._workers[key] = Worker(key, run_id, pid, load, reading)
        return self._workers[key]

    def _look_at_memory(self) -> None:
        """Kill the runs that take more memory than they may, with their steps."""
        live = [each for each in self._workers.values() if each.code is None]
        limited = [each for each in live if each.is_run and each.memory.size]
        self._looks = bool(limited)
        if not limited:
            return
        self._loop.later(LOOK_SECONDS, self._look_at_memory)
        known = memory.processes()
        for run in limited:
            leaders = [each.pid for each in live if each.run_id == run.run_id]
            pids = memory.members(leaders, known)
            took = memory.used(pids, run.memory.size)
            if took > run.memory.size:
                run.took = took
                # First, so that it does not tell of a step that has failed.
                memory.kill([run.pid])
                memory.kill(pids)

    def _kill(self, worker: Worker) -> None:
        worker.was_killed = True
        kill_session(worker.pid)

    def _bury(self, key: str, pid: int) -> None:
        worker = self._workers[key]
        kill_session(pid)
        _, status = os.waitpid(pid, 0)
        worker.code = os.waitstatus_to_exitcode(status)
        os.set_blocking(worker.file, False)
        with suppress(BlockingIOError):  # a process in another session has it open, too
            worker.status = os.read(worker.file, REPORT_BYTES).decode()
        os.close(worker.file)
        if worker.limit:
            worker.limit.cancel()
        if worker.is_run:
            self._end_steps(worker)
        self._forget_old()
        self._ended(worker)

    def _end_steps(self, run: Worker) -> None:
        """Kill a run's steps, but for those that the run has told to end: they have their time."""
        for step in list(self._workers.values()):
            if step.run_id == run.run_id and step.code is None and step.limit is None:
                self._kill(step)

    def _forget_old(self) -> None:
        for key in list(self._workers)[:-REMEMBERED]:
            if self._workers[key].code is not None:
                del self._workers[key]
