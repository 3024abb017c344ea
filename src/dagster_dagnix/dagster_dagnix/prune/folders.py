"""Compute logs and files past their time, and those whose run is not there any more."""

import datetime as dt
import shutil
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path

from dagster import DagsterInstance, RunsFilter
from dagster._core.storage.dagster_run import RunRecord
from dagster._core.storage.tags import ROOT_RUN_ID_TAG

from dagster_dagnix import leftovers
from dagster_dagnix.prune.choice import root_of, run_id
from dagster_dagnix.prune.report import Report
from dagster_dagnix.retention import Retention
from dagster_dagnix.server.reporter import as_utc

BITE = 200
# In the folder of a run that is in no storage: since when that is known, by its time.
MARKER = ".no-run"
LOG_ENDINGS = {".out", ".err", ".complete"}


class Folders:
    """Removes folders of runs, or with `is_dry` of the report adds up what they take."""

    def __init__(
        self,
        instance: DagsterInstance,
        retention: Retention,
        now: dt.datetime,
        report: Report,
        gone: Collection[str],
    ) -> None:
        """Leave out the runs in `gone`, which are in the report already."""
        self._instance, self._retention, self._now = instance, retention, now
        self._report, self._gone = report, gone
        self._files = leftovers.files_root(instance)
        self._logs = leftovers.logs_root(instance)
        self._asset_names: set[str] | None = None

    def prune(self) -> None:
        """Remove what is past its time; of runs in flight and those that they may read, nothing."""
        roots = {self._files, self._logs} - {None}
        for root in sorted(root for root in roots if root and root.is_dir()):
            folders = (
                each
                for each in root.iterdir()
                if leftovers.is_run_id(each.name) and each.name not in self._gone
            )
            while bite := list(islice(folders, BITE)):
                self._prune_runs(bite)
        if self._logs and self._logs != self._files and self._logs.is_dir():
            self._prune_tick_logs(self._logs)

    def _prune_runs(self, folders: Sequence[Path]) -> None:
        ids = [each.name for each in folders]
        found = self._instance.get_run_records(RunsFilter(run_ids=ids))
        records = {run_id(each): each for each in found}
        in_use = self._groups_in_flight(list(records.values()))
        for folder in folders:
            record = records.get(folder.name)
            if record is None:
                self._orphan(folder)
                continue
            if not self._is_dry:
                (folder / MARKER).unlink(missing_ok=True)
            if record.dagster_run.is_finished and root_of(record.dagster_run) not in in_use:
                for part, days in self._parts(folder):
                    if days and self._is_older(as_utc(record.update_timestamp), days):
                        self._remove(part)

    def _parts(self, folder: Path) -> Iterator[tuple[Path, int]]:
        """Yield what is in a run's folder, and how many days that is kept."""
        logs = [folder / leftovers.COMPUTE_LOGS] if folder.parent == self._logs else []
        yield from ((each, self._retention.compute_log_days) for each in logs if each.is_dir())
        if folder.parent == self._files:
            files = [each for each in folder.iterdir() if each not in logs]
            yield from ((each, self._retention.step_file_days) for each in files)

    def _groups_in_flight(self, records: Sequence[RunRecord]) -> set[str]:
        roots = list({root_of(each.dagster_run) for each in records})
        if not roots:
            return set()
        again = self._instance.get_run_records(RunsFilter(tags={ROOT_RUN_ID_TAG: roots}))
        return {root_of(each.dagster_run) for each in again if not each.dagster_run.is_finished}

    def _orphan(self, folder: Path) -> None:
        """Remove a folder without a run, if it was one for long enough: a backup may bring the run.

        A folder of an asset is none of a run, whatever its name.
        """
        if not self._retention.orphan_days or folder.name in self._assets():
            return
        marker = folder / MARKER
        with suppress(FileNotFoundError):
            since = dt.datetime.fromtimestamp(marker.stat().st_mtime, dt.UTC)
            if self._is_older(since, self._retention.orphan_days):
                self._remove(folder)
            return
        if not self._is_dry:
            with suppress(OSError):
                marker.touch()

    def _assets(self) -> set[str]:
        if self._asset_names is None:
            keys = self._instance.all_asset_keys()
            self._asset_names = {each.path[0] for each in keys}
        return self._asset_names

    def _prune_tick_logs(self, root: Path) -> None:
        """Remove what ticks have logged, which is in folders of their repository and name."""
        if not (days := self._retention.compute_log_days):
            return
        for repository in root.iterdir():
            if leftovers.is_run_id(repository.name) or not repository.is_dir():
                continue
            for path in repository.rglob("*"):
                with suppress(OSError):  # gone meanwhile
                    changed = dt.datetime.fromtimestamp(path.stat().st_mtime, dt.UTC)
                    if path.suffix in LOG_ENDINGS and self._is_older(changed, days):
                        self._remove(path)

    @property
    def _is_dry(self) -> bool:
        return self._report.is_dry

    def _is_older(self, when: dt.datetime, days: int) -> bool:
        return self._now - when > dt.timedelta(days=days)

    def _remove(self, path: Path) -> None:
        size = leftovers.size(path)
        is_log = self._logs in path.parents and (
            self._logs != self._files or path.name == leftovers.COMPUTE_LOGS
        )
        if is_log:
            self._report.logs += size
        else:
            self._report.files += size
        if self._is_dry:
            return
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
        with suppress(OSError):  # something else is in there
            path.parent.rmdir()
