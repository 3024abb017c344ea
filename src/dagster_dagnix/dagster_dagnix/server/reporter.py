"""Says of runs whose process ended before they did how they ended, in a process of its own."""

import datetime as dt
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from dagster import DagsterInstance, DagsterRun, DagsterRunStatus, RunsFilter
from dagster._utils import get_run_crash_explanation

from dagster_dagnix.protocol import RUN_SERVER_TAG, listens
from dagster_dagnix.server.load import Load
from dagster_dagnix.server.loop import Fork, Loop

LOST = "The run server that executed this run was killed, or its host went down."
UNFINISHED = (
    DagsterRunStatus.STARTING,
    DagsterRunStatus.STARTED,
    DagsterRunStatus.CANCELING,
)
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
# The daemon may have named a run server that is gone just now, and is about to put the run back.
LAUNCH_SECONDS = 20.0
STARTING_LEFT = 3  # the exit code that asks for another look


@dataclass(frozen=True)
class End:
    """How the process of a run ended."""

    run_id: str
    code: int  # exit code, or minus the signal
    killed_after: float | None = None  # seconds from its cancellation
    over_memory: str = ""  # what it took, and what it may


class Reporter:
    """Reports ends in batches, and again until the database has taken them."""

    def __init__(
        self,
        loop: Loop,
        folder: Path,
        location: str,
        load: Callable[[], Load],
        reported: Callable[[], None],
    ) -> None:
        """Have `reported` be called when runs may have been reported as failed."""
        self._loop, self._folder, self._location, self._load = loop, folder, location, load
        self._reported = reported
        self._ends: dict[str, End] = {}
        self._looks_for_lost = False
        self._is_reporting = False
        self._pause = FIRST_PAUSE

    @property
    def is_done(self) -> bool:
        """Whether no end is left to report; lost runs are also found by the next run server."""
        return not self._ends

    def add(self, end: End) -> None:
        """Report the end of a run's process, if the run has not ended."""
        self._ends[end.run_id] = end
        self._report()

    def drop(self, run_id: str) -> None:
        """Do not report a run that is started once more."""
        self._ends.pop(run_id, None)

    def look_for_lost(self) -> None:
        """Report the runs of this location whose run server is gone."""
        self._looks_for_lost = True
        self._report()

    def _report(self) -> None:
        if self._is_reporting or not (self._ends or self._looks_for_lost):
            return
        ends, looks = dict(self._ends), self._looks_for_lost
        location = self._location if looks else None
        do = partial(report, self._load(), ends.values(), self._folder, location)
        self._is_reporting = True
        self._looks_for_lost = False
        try:
            self._loop.fork(Fork("reporter", do), partial(self._ended, ends, looks))
        except OSError:
            self._again(looks)

    def _ended(self, ends: dict[str, End], looks: bool, pid: int) -> None:
        _, status = os.waitpid(pid, 0)
        code = os.waitstatus_to_exitcode(status)
        if code not in (0, STARTING_LEFT):
            self._again(looks)
            return
        self._is_reporting = False
        self._pause = FIRST_PAUSE
        self._ends = {key: end for key, end in self._ends.items() if ends.get(key) is not end}
        if code == STARTING_LEFT:
            self._loop.later(LAUNCH_SECONDS, self.look_for_lost)
        self._reported()
        self._report()

    def _again(self, looks: bool) -> None:
        self._looks_for_lost = self._looks_for_lost or looks
        self._loop.later(self._pause, self._try_again)
        self._pause = min(2 * self._pause, LONGEST_PAUSE)

    def _try_again(self) -> None:
        self._is_reporting = False
        self._report()


def report(load: Load, ends: Iterable[End], folder: Path, location: str | None) -> int:
    """Report ends, and the lost runs of `location`; return an exit code."""
    load.enter_environment()
    with DagsterInstance.get() as instance:
        for end in ends:
            run = instance.get_run_by_id(end.run_id)
            if run and run.status in UNFINISHED:
                report_end(instance, run, end)
        left = location is not None and report_lost(instance, folder, location)
    return STARTING_LEFT if left else 0


def report_end(instance: DagsterInstance, run: DagsterRun, end: End) -> None:
    """Report that the process of a run has ended, and the run with it."""
    if end.killed_after is not None:
        message = (
            f"The run did not end within {end.killed_after:g} s of its cancellation and was killed."
        )
        instance.report_run_canceled(run, message)
        return
    explained = get_run_crash_explanation(f"The process of run {run.run_id}", end.code)
    message = end.over_memory or explained
    if run.status is DagsterRunStatus.CANCELING:
        instance.report_run_canceled(run, message)
    else:
        instance.report_run_failed(run, message)


def report_lost(instance: DagsterInstance, folder: Path, location: str) -> bool:
    """Report the runs whose run server is gone; tell whether some have to be looked at again."""
    left = False
    for run in instance.get_runs(RunsFilter(statuses=list(UNFINISHED))):
        server = run.tags.get(RUN_SERVER_TAG)
        origin = run.remote_job_origin
        if not server or not origin or origin.location_name != location:
            continue
        if listens(folder / Path(server).name):
            continue
        if run.status is DagsterRunStatus.CANCELING:
            instance.report_run_canceled(run, LOST)
        elif run.status is DagsterRunStatus.STARTED or _is_old(instance, run):
            instance.report_run_failed(run, LOST)
        else:
            left = True
    return left


def _is_old(instance: DagsterInstance, run: DagsterRun) -> bool:
    record = instance.get_run_record_by_id(run.run_id)
    if record is None:
        return False
    age = dt.datetime.now(dt.UTC) - as_utc(record.update_timestamp)
    return age.total_seconds() >= LAUNCH_SECONDS


def as_utc(time: dt.datetime) -> dt.datetime:
    """Return a time of the database, which may come without its zone, with it."""
    return time if time.tzinfo else time.replace(tzinfo=dt.UTC)
