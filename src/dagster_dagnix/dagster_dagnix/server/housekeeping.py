"""Removes what is not kept any longer, in a process of its own that gives way to all others."""

import datetime as dt
import os
from collections.abc import Callable, Collection
from functools import partial

from dagster import DagsterInstance

from dagster_dagnix import leftovers
from dagster_dagnix.prune.once import CannotPruneError, Order, prune, retention_of
from dagster_dagnix.prune.times import pruned_at
from dagster_dagnix.server.load import Load
from dagster_dagnix.server.loop import Fork, Loop

NAME = "housekeeping"
# Not at the same time as all else that a start has to do.
FIRST_SECONDS, AGAIN_SECONDS = 600.0, 1800.0
NICE = 10


class Housekeeping:
    """Prunes the instance now and then, and removes the files of runs that were deleted."""

    def __init__(
        self,
        loop: Loop,
        location: str,
        load: Callable[[], Load],
        serves: Callable[[], bool],
    ) -> None:
        """Have `serves` tell whether this is the run server that looks after the location."""
        self._loop, self._location, self._load, self._serves = loop, location, load, serves
        self._deleted: set[str] = set()
        self._removes = self._prunes = False
        self._first = float(os.environ.get("DAGNIX_PRUNE_SECONDS") or FIRST_SECONDS)

    def begin(self) -> None:
        """Look for the first time soon whether to prune, and from then on now and then."""
        self._loop.later(self._first, self._prune)

    def remove_files(self, run_id: str) -> None:
        """Remove the files of a run that is deleted."""
        self._deleted.add(run_id)
        self._remove()

    def _remove(self) -> None:
        if self._removes or not self._deleted:
            return
        do = partial(remove_files, self._load(), frozenset(self._deleted))
        self._deleted.clear()
        self._removes = True
        try:
            self._loop.fork(Fork(NAME, do), self._removed)
        except OSError:  # they are found when the instance is pruned
            self._removes = False

    def _removed(self, pid: int) -> None:
        os.waitpid(pid, 0)
        self._removes = False
        self._remove()

    def _prune(self) -> None:
        if not self._serves():
            self._loop.later(self._first, self._prune)
            return
        self._loop.later(AGAIN_SECONDS, self._prune)
        if self._prunes:
            return
        do = partial(prune_if_due, self._load(), self._location)
        self._prunes = True
        try:
            self._loop.fork(Fork(NAME, do), self._pruned)
        except OSError:
            self._prunes = False

    def _pruned(self, pid: int) -> None:
        os.waitpid(pid, 0)
        self._prunes = False


def remove_files(load: Load, run_ids: Collection[str]) -> int:
    """Remove what steps of these runs have handed to each other, and return an exit code."""
    load.enter_environment()
    with DagsterInstance.get() as instance:
        for run_id in run_ids:
            if not instance.has_run(run_id):
                leftovers.remove_files(instance, run_id)
    return 0


def prune_if_due(load: Load, location: str) -> int:
    """Prune the instance if that was long enough ago, and return an exit code."""
    load.enter_environment()
    os.nice(NICE)
    with DagsterInstance.get() as instance:
        hours = retention_of(instance).every_hours
        last = pruned_at(instance, location)
        if not hours or (last and dt.datetime.now(dt.UTC) - last < dt.timedelta(hours=hours)):
            return 0
        try:
            report = prune(instance, Order(location))
        except CannotPruneError as error:
            print(f"housekeeping: {error}", flush=True)
            return 1
    if report.runs or report.ticks or report.logs or report.files:
        print("\n".join(f"housekeeping: {line}" for line in report.lines()), flush=True)
    return 0
