"""What steps hand to each other: removed by the process that has it, which may be another."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from dagster import DagsterInstance, RunsFilter
from dagster._core.storage.dagster_run import RunRecord

from dagster_dagnix import leftovers, private, trees
from dagster_dagnix.launcher import ForkedRunLauncher
from dagster_dagnix.prune.folders import Folders
from dagster_dagnix.prune.report import Report
from dagster_dagnix.retention import Retention

BITE = 500


@dataclass(frozen=True)
class Order:
    """Which files to remove: of these runs, which were deleted, and with `by_age` the old ones.

    If it is dry the runs are still there, and nothing is removed.
    """

    run_ids: Sequence[str]
    is_dry: bool
    by_age: bool


def prune_here(
    instance: DagsterInstance, retention: Retention, order: Order, now: dt.datetime
) -> int:
    """Remove files that this process has; return how many bytes they took."""
    root = leftovers.files_root(instance)
    named = [each for each in order.run_ids if leftovers.is_run_id(each)]
    if not order.is_dry and named:
        there = set(instance.get_run_ids(RunsFilter(run_ids=named)))
        named = [each for each in named if each not in there]
    room = 0
    for each in named:
        room += trees.room(root / each)
        if not order.is_dry:
            trees.remove(root, each)
    if order.by_age:
        folders = Folders(instance, retention, now, is_dry=order.is_dry, gone=set(named))
        room += folders.prune_files()
    return room


class Files:
    """Removes the files of runs as they are deleted, and in the end those past their time.

    Here if this process has them, or else through the run server of each code location. Those of
    one that is away are found later, as files without a run.
    """

    def __init__(
        self, instance: DagsterInstance, retention: Retention, now: dt.datetime, report: Report
    ) -> None:
        """Add the bytes to the report, or what they would be if it is dry."""
        self._instance, self._retention, self._now = instance, retention, now
        self._report = report
        self._waiting: dict[str, list[str]] = {}  # code location → runs

    def add(self, records: Sequence[RunRecord]) -> None:
        """See to the files of these runs, at once or before `end` returns."""
        for each in records:
            run = each.dagster_run
            self._waiting.setdefault(private.location_of_run(run), []).append(run.run_id)
        if not self._report.is_dry:
            for location, waiting in self._waiting.items():
                if len(waiting) >= BITE:
                    self._prune(location, by_age=False)

    def end(self) -> None:
        """See to what is left, and to what is past its time."""
        launcher = self._instance.run_launcher
        if self._is_here:
            self._waiting = {"": [run for runs in self._waiting.values() for run in runs]}
        elif isinstance(launcher, ForkedRunLauncher):
            for each in launcher.locations():
                self._waiting.setdefault(each, [])
        for location in sorted(self._waiting):
            self._prune(location, by_age=True)

    @property
    def _is_here(self) -> bool:
        return leftovers.files_root(self._instance).is_dir()

    def _prune(self, location: str, *, by_age: bool) -> None:
        order = Order(self._waiting[location][:], self._report.is_dry, by_age)
        self._waiting[location].clear()
        launcher = self._instance.run_launcher
        if self._is_here:
            self._report.files += prune_here(self._instance, self._retention, order, self._now)
        elif location and isinstance(launcher, ForkedRunLauncher):
            try:
                self._report.files += launcher.prune_files(location, **asdict(order))
            except (OSError, ValueError):
                if location not in self._report.away:
                    self._report.away.append(location)
