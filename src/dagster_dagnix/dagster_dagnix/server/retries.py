"""Makes the retries that Dagster has promised and its daemon has not made.

The daemon reads each failure of a run once. When the run's code is not served just then, as after
its container was killed, it gives the retry up; when it is killed after it made the retry and
before it queued it, the retry stays there. So once a failure was seen, the run server that serves
looks, in a process of its own, and only at failures that the daemon is done with: no retry is made
twice.
"""

import datetime as dt
import os
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from dagster import DagsterInstance, DagsterRun, DagsterRunStatus, RunsFilter
from dagster._core.events import EngineEventData
from dagster._core.storage.dagster_run import RunRecord
from dagster._core.storage.tags import (
    AUTO_RETRY_RUN_ID_TAG,
    PARENT_RUN_ID_TAG,
    RETRY_NUMBER_TAG,
    WILL_RETRY_TAG,
)

from dagster_dagnix import private
from dagster_dagnix.server.load import Load
from dagster_dagnix.server.loop import Fork, Loop, Timer

# The daemon reads failures every 5 s.
FIRST_SECONDS, AGAIN_SECONDS = 15.0, 30.0
# Nobody expects a retry any more that comes later.
LONGEST_WAIT = dt.timedelta(hours=6)
# More, so that a look finds those whose wait is over.
OLDEST = LONGEST_WAIT + dt.timedelta(hours=1)
SOME_LEFT = 3  # the exit code that asks for another look
EVENT_SECONDS = 60.0  # after which no event comes any more of a run that has failed
FINAL = "Not retrying the run: "
BY_HAND = FINAL + "it was executed again by hand while the retry waited."
TOO_LATE = FINAL + "its code was not served within six hours."
NOT_MADE = FINAL + "Dagster makes no retry of it."
GIVEN_UP = "Failed to retry run"  # what Dagster's daemon says


class Retries:
    """Looks for missing retries while there may be some."""

    def __init__(
        self, loop: Loop, folder: Path, location: str, load: Callable[[], Load | None]
    ) -> None:
        """Have `load` return None while this run server does not serve loaded code."""
        self._loop, self._folder, self._location, self._load = loop, folder, location, load
        self._timer: Timer | None = None
        self._pid: int | None = None
        self._seconds = float(os.environ.get("DAGNIX_LOOK_SECONDS") or AGAIN_SECONDS)

    def run_failed(self) -> None:
        """Look soon, as a run of this location has failed."""
        self._look_in(min(FIRST_SECONDS, self._seconds))

    def _look_in(self, seconds: float) -> None:
        if self._timer is None:
            self._timer = self._loop.later(seconds, self._look)

    def _look(self) -> None:
        self._timer = None
        load = self._load()
        if load is None or self._pid is not None:
            self._look_in(self._seconds)
            return
        do = partial(look, load, self._folder, self._location)
        try:
            self._pid = self._loop.fork(Fork("retries", do), self._ended)
        except OSError:
            self._look_in(self._seconds)

    def _ended(self, pid: int) -> None:
        _, status = os.waitpid(pid, 0)
        self._pid = None
        if os.waitstatus_to_exitcode(status):
            self._look_in(self._seconds)


def look(load: Load, folder: Path, location: str) -> int:
    """Make the retries of a location's runs that are missing, and return an exit code."""
    load.enter_environment()
    with DagsterInstance.get() as instance:
        left = False
        for record in missing(instance, location):
            left = not see_to(instance, record, folder, location) or left
    return SOME_LEFT if left else 0


def missing(instance: DagsterInstance, location: str) -> Iterator[RunRecord]:
    """Yield the failed runs that are to be retried, and whose retry was not made or not queued."""
    if not instance.run_retries_enabled:
        return
    failed = RunsFilter(
        statuses=[DagsterRunStatus.FAILURE],
        tags={WILL_RETRY_TAG: ["true", "false"]},
        updated_after=dt.datetime.now(dt.UTC) - OLDEST,
    )
    unqueued = set(instance.get_run_ids(RunsFilter(statuses=[DagsterRunStatus.NOT_STARTED])))
    for record in instance.get_run_records(failed):
        run = record.dagster_run
        origin = run.remote_job_origin
        if not origin or origin.location_name != location:
            continue
        if run.tags.get(AUTO_RETRY_RUN_ID_TAG) not in {None, *unqueued}:
            continue
        if run.tags[WILL_RETRY_TAG] == "true" or was_given_up(instance, run):
            yield record


def was_given_up(instance: DagsterInstance, run: DagsterRun) -> bool:
    """Tell whether the daemon has given a retry up because the run's code was not served."""
    if private.max_retries(instance, run) == 0:
        return False
    given_up = False
    for event in private.engine_events(instance, run):
        error = event.engine_event_data.error
        if event.message == GIVEN_UP and error and error.cls_name in private.UNSERVED:
            given_up = True
        elif (event.message or "").startswith(FINAL):
            given_up = False
    return given_up


def see_to(instance: DagsterInstance, record: RunRecord, folder: Path, location: str) -> bool:
    """Make a retry, or give it up; return False if there has to be another look."""
    run = record.dagster_run
    if was_retried_by_hand(instance, run):
        give_up(instance, run, BY_HAND)
        return True
    age = time.time() - (record.end_time or time.time())
    if age > LONGEST_WAIT.total_seconds():
        give_up(instance, run, TOO_LATE)
        return True
    has_read = private.daemon_has_read(instance, run)
    if not (has_read or (has_read is None and age > EVENT_SECONDS)):
        return False
    instance.add_run_tags(run.run_id, {WILL_RETRY_TAG: "true"})
    promised = instance.get_run_by_id(run.run_id)
    try:
        if promised:
            private.retry(instance, promised, folder, location)
    except private.UNSERVED_ERRORS:
        return False
    except Exception as error:  # noqa: BLE001 - as the daemon does
        give_up(instance, run, f"{FINAL}{error!r}")
        return True
    again = instance.get_run_by_id(run.run_id)
    if again and AUTO_RETRY_RUN_ID_TAG not in again.tags:
        give_up(instance, run, NOT_MADE)  # Dagster has said why; a backfill must not wait for one
    return True


def give_up(instance: DagsterInstance, run: DagsterRun, reason: str) -> None:
    """Make no retry, and say so."""
    instance.report_engine_event(reason, run, EngineEventData())
    instance.add_run_tags(run.run_id, {WILL_RETRY_TAG: "false"})


def was_retried_by_hand(instance: DagsterInstance, run: DagsterRun) -> bool:
    """Tell whether somebody else has executed a run again."""
    again = instance.get_runs(RunsFilter(tags={PARENT_RUN_ID_TAG: run.run_id}))
    return any(RETRY_NUMBER_TAG not in each.tags for each in again)
