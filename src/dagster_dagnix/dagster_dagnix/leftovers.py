"""What a run leaves outside the database: what its steps have printed and handed to each other."""

import logging
import uuid
from contextlib import suppress
from pathlib import Path

from dagster import DagsterInstance, DagsterRun
from dagster._core.storage.local_compute_log_manager import LocalComputeLogManager

from dagster_dagnix import private, trees
from dagster_dagnix.compute_logs import DagnixComputeLogManager
from dagster_dagnix.launcher import ForkedRunLauncher

COMPUTE_LOGS = "compute_logs"  # the folder in a run's own, as Dagster's log keys have it


def is_run_id(name: str) -> bool:
    """Tell whether a name is a run's ID, and so no path to somewhere else."""
    try:
        return str(uuid.UUID(name)) == name
    except ValueError:
        return False


def files_root(instance: DagsterInstance) -> Path:
    """Return the folder that has one for the files of each run; it may be in another container."""
    return Path(instance.storage_directory())


def logs_roots(instance: DagsterInstance) -> list[Path]:
    """Return the folders that have one for the compute logs of each run; none are elsewhere."""
    manager = instance.compute_log_manager
    if isinstance(manager, DagnixComputeLogManager):
        return manager.roots()
    if isinstance(manager, LocalComputeLogManager):
        return [Path(manager.get_captured_local_path(["any"], "out")).parent]
    return []


def remove(instance: DagsterInstance, run: DagsterRun) -> None:
    """Remove the compute logs of a deleted run, and the files of its steps.

    Files that are not here, as this process is in another container, are removed by the run
    server of the run's code location. What cannot be removed now is when the instance is pruned.
    """
    if not is_run_id(run.run_id):
        return
    remove_logs(instance, run.run_id)
    launcher = instance.run_launcher
    if files_root(instance).is_dir():
        remove_files(instance, run.run_id)
    elif isinstance(launcher, ForkedRunLauncher):
        with suppress(OSError, ValueError):  # away, or the run has no code location
            launcher.remove_files(private.location_of_run(run), run.run_id)


def remove_logs(instance: DagsterInstance, run_id: str) -> None:
    """Remove the compute logs of a run that this process has; a failure is logged."""
    try:
        instance.compute_log_manager.delete_logs(prefix=[run_id])
    except Exception as error:  # noqa: BLE001 - of any kind of storage; the run is to go anyway
        said = "The compute logs of run %s are not removed: %r"
        logging.getLogger("dagster").warning(said, run_id, error)


def remove_files(instance: DagsterInstance, run_id: str) -> None:
    """Remove the files of a run's steps that this process has."""
    if is_run_id(run_id):
        trees.remove(files_root(instance), run_id)
