"""Compute logs and files past their time, and those whose run is not there any more."""

import datetime as dt
import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path

from dagster import DagsterInstance, RunsFilter
from dagster._core.storage.dagster_run import RunRecord
from dagster._core.storage.tags import ROOT_RUN_ID_TAG

from dagster_dagnix import leftovers, trees
from dagster_dagnix.prune.choice import root_of, run_id
from dagster_dagnix.retention import Retention
from dagster_dagnix.server.reporter import as_utc

BITE = 200
# In the folder of a run that is in no storage: since when that is known, by its time.
MARKER = ".no-run"
LOG_ENDINGS = {".out", ".err", ".complete"}


class Folders:
    """Removes what is in folders of runs, or if it is dry adds up what that takes.

    Of runs in flight, and of those that they may read, nothing goes. Code locations write to these
    folders, so no link in them is followed.
    """

    def __init__(
        self,
        instance: DagsterInstance,
        retention: Retention,
        now: dt.datetime,
        *,
        is_dry: bool,
        gone: Collection[str] = (),
    ) -> None:
        """Leave out the runs in `gone`."""
        self._instance, self._retention, self._now = instance, retention, now
        self._is_dry, self._gone = is_dry, gone
        self._files = leftovers.files_root(instance)
        self._asset_names: set[str] | None = None
        self._room = 0

    def prune_logs(self) -> int:
        """Remove compute logs that this process has, and return how many bytes they took."""
        self._room = 0
        for root in leftovers.logs_roots(self._instance):
            days = self._retention.compute_log_days
            shared = root == self._files  # as in Dagster's own configuration
            self._prune(root, days, is_log=True, sees_orphans=not shared)
            if not shared:
                self._prune_tick_logs(root)
        return self._room

    def prune_files(self) -> int:
        """Remove files of steps that this process has, and return how many bytes they took."""
        self._room = 0
        self._prune(self._files, self._retention.step_file_days, is_log=False, sees_orphans=True)
        return self._room

    def _prune(self, root: Path, days: int, *, is_log: bool, sees_orphans: bool) -> None:
        if not root.is_dir():
            return
        for bite in self._bites(root):
            found = self._instance.get_run_records(RunsFilter(run_ids=bite))
            records = {run_id(each): each for each in found}
            in_use = self._groups_in_flight(list(records.values()))
            for name in bite:
                record = records.get(name)
                if record is None:
                    if sees_orphans:
                        self._orphan(root, name)
                    continue
                is_done = record.dagster_run.is_finished
                with suppress(OSError), trees.opened(root, name) as folder:
                    if not self._is_dry:
                        trees.remove_in(folder, MARKER)
                    if is_done and root_of(record.dagster_run) not in in_use:
                        self._prune_run(root / name, folder, record, days, is_log=is_log)

    def _bites(self, root: Path) -> Iterator[list[str]]:
        with os.scandir(root) as entries:
            names = (
                each.name
                for each in entries
                if leftovers.is_run_id(each.name) and each.name not in self._gone
            )
            while bite := list(islice(names, BITE)):
                yield bite

    def _prune_run(
        self, path: Path, folder: int, record: RunRecord, days: int, *, is_log: bool
    ) -> None:
        if not days or not self._is_older(as_utc(record.update_timestamp), days):
            return
        for name in os.listdir(folder):
            if (name == leftovers.COMPUTE_LOGS) == is_log:
                self._remove(path, folder, name)
        if not self._is_dry:
            with suppress(OSError):  # something else is in there
                path.rmdir()

    def _groups_in_flight(self, records: Sequence[RunRecord]) -> set[str]:
        roots = list({root_of(each.dagster_run) for each in records})
        if not roots:
            return set()
        again = self._instance.get_run_records(RunsFilter(tags={ROOT_RUN_ID_TAG: roots}))
        return {root_of(each.dagster_run) for each in again if not each.dagster_run.is_finished}

    def _orphan(self, root: Path, name: str) -> None:
        """Remove a folder without a run, if it was one for long enough: a backup may bring the run.

        A folder of an asset is none of a run, whatever its name.
        """
        if not self._retention.orphan_days or name in self._assets():
            return
        with suppress(OSError), trees.opened(root) as around, trees.opened(root, name) as folder:
            with suppress(FileNotFoundError):
                seen = os.stat(MARKER, dir_fd=folder, follow_symlinks=False).st_mtime
                since = dt.datetime.fromtimestamp(seen, dt.UTC)
                if self._is_older(since, self._retention.orphan_days):
                    self._remove(root, around, name)
                return
            if not self._is_dry:
                os.close(
                    os.open(MARKER, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644, dir_fd=folder)
                )

    def _assets(self) -> set[str]:
        if self._asset_names is None:
            keys = self._instance.all_asset_keys()
            self._asset_names = {each.path[0] for each in keys}
        return self._asset_names

    def _prune_tick_logs(self, root: Path) -> None:
        """Remove what ticks have logged, which is in folders of their repository and name."""
        if not (days := self._retention.compute_log_days):
            return
        for path, folders, names, folder in os.fwalk(root):
            folders[:] = [each for each in folders if not leftovers.is_run_id(each)]
            for name in names:
                with suppress(OSError):  # gone meanwhile
                    seen = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mtime
                    changed = dt.datetime.fromtimestamp(seen, dt.UTC)
                    if Path(name).suffix in LOG_ENDINGS and self._is_older(changed, days):
                        self._remove(Path(path), folder, name)

    def _is_older(self, when: dt.datetime, days: int) -> bool:
        return self._now - when > dt.timedelta(days=days)

    def _remove(self, path: Path, folder: int, name: str) -> None:
        self._room += trees.room(path / name)
        if not self._is_dry:
            trees.remove_in(folder, name)
