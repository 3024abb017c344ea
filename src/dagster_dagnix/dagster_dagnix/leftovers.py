"""What a run leaves outside the database: what its steps have printed and handed to each other."""

import logging
import os
import shutil
import uuid
from contextlib import suppress
from pathlib import Path

from dagster import DagsterInstance, DagsterRun
from dagster._core.storage.local_compute_log_manager import LocalComputeLogManager

from dagster_dagnix.launcher import ForkedRunLauncher

COMPUTE_LOGS = "compute_logs"  # the folder in a run's own, as Dagster's log keys have it


def is_run_id(name: str) -> bool:
    """Tell whether a name is a run's ID, and so no path to somewhere else."""
    try:
        return str(uuid.UUID(name)) == name
    except ValueError:
        return False


def files_root(instance: DagsterInstance) -> Path:
    """Return the folder that has one for the files of each run."""
    return Path(instance.storage_directory())


def logs_root(instance: DagsterInstance) -> Path | None:
    """Return the folder that has one for the compute logs of each run; None is elsewhere."""
    manager = instance.compute_log_manager
    if not isinstance(manager, LocalComputeLogManager):
        return None
    return Path(manager.get_captured_local_path(["any"], "out")).parent


def remove(instance: DagsterInstance, run: DagsterRun) -> None:
    """Remove the compute logs of a run, and the files of its steps.

    Files that are not here, as this process is in another container, are removed by the run
    server of the run's code location. What cannot be removed now is when the instance is pruned.
    """
    if not is_run_id(run.run_id):
        return
    try:
        instance.compute_log_manager.delete_logs(prefix=[run.run_id])
    except Exception as error:  # noqa: BLE001 - of any kind of storage; the run is to go anyway
        said = "The compute logs of run %s are not removed: %r"
        logging.getLogger("dagster").warning(said, run.run_id, error)
    remove_files(instance, run.run_id)
    launcher = instance.run_launcher
    if isinstance(launcher, ForkedRunLauncher) and not files_root(instance).is_dir():
        with suppress(OSError, ValueError):  # away, or the run has no code location
            launcher.remove_files(run)


def remove_files(instance: DagsterInstance, run_id: str) -> None:
    """Remove the files of a run's steps that this process has."""
    if is_run_id(run_id):
        shutil.rmtree(files_root(instance) / run_id, ignore_errors=True)


def size(folder: Path) -> int:
    """Return how many bytes of the disk a folder or file takes; 0 if it is not there."""
    taken = 0
    left = [folder]
    while left:
        with suppress(OSError):  # it has gone meanwhile
            path = left.pop()
            taken += path.lstat().st_blocks * 512
            if path.is_dir() and not path.is_symlink():
                with os.scandir(path) as entries:
                    left.extend(Path(entry) for entry in entries)
    return taken
