"""Run monitoring says CANCELED of a run whose worker goes on.

It does so cancel_timeout_seconds after the cancellation, whatever the launcher knows of the worker:
what the run does after that happens unseen, and its slot goes to the next one.
"""

import logging
import sys
import tempfile
import time
from typing import Any, Self

from dagster import DagsterEvent, DagsterInstance, DagsterRun, job
from dagster._core.launcher.base import CheckRunHealthResult, RunLauncher, WorkerStatus
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import EmptyWorkspaceTarget
from dagster._daemon.monitoring.run_monitoring import execute_run_monitoring_iteration
from dagster._serdes import ConfigurableClass


class StubbornWorkers(RunLauncher, ConfigurableClass):
    """A launcher whose workers go on, whatever they are told."""

    supports_check_run_worker_health = True
    inst_data = None

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        """Return the schema of no configuration."""
        return {}

    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Any) -> Self:
        """Make one."""
        del inst_data, config_value
        return cls()

    def launch_run(self, context: Any) -> None:
        """Launch nothing."""

    def terminate(self, run_id: str) -> bool:
        """Say that the worker was told to end."""
        del run_id
        return True

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """Tell of a run's worker what is true of all."""
        del run
        return CheckRunHealthResult(WorkerStatus.RUNNING)


@job
def works() -> None:
    """Is never executed."""


SETTINGS = {
    "run_launcher": {"module": "__main__", "class": "StubbornWorkers"},
    "run_monitoring": {"enabled": True, "cancel_timeout_seconds": 1},
}
logging.disable()
with (
    tempfile.TemporaryDirectory() as home,
    DagsterInstance.local_temp(home, overrides=SETTINGS) as instance,
    WorkspaceProcessContext(instance, EmptyWorkspaceTarget()) as workspace,
):
    run = instance.create_run_for_job(works)
    for event in ("PIPELINE_START", "PIPELINE_CANCELING"):
        instance.report_dagster_event(DagsterEvent(event, job_name="works"), run.run_id)
    time.sleep(1.1)
    list(execute_run_monitoring_iteration(workspace, logging.getLogger()))
    (found,) = instance.get_runs()
    health = instance.run_launcher.check_run_worker_health(found)

print(f"The run is {found.status.value}, and its worker {health.status.value}")
sys.exit(found.is_finished)
