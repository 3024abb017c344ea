"""Run monitoring asks the launcher only after runs that are STARTED.

A worker that dies while its run is STARTING or CANCELING is noticed by a time-out alone, 180 s by
default. The launcher, which knows, is not asked.
"""

import logging
import sys
import tempfile
from typing import Any, Self

from dagster import DagsterEvent, DagsterInstance, DagsterRun, job
from dagster._core.launcher.base import CheckRunHealthResult, RunLauncher, WorkerStatus
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import EmptyWorkspaceTarget
from dagster._daemon.monitoring.run_monitoring import execute_run_monitoring_iteration
from dagster._serdes import ConfigurableClass


class DeadWorkers(RunLauncher, ConfigurableClass):
    """A launcher whose workers have all died."""

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
        """Say that there was nothing to end."""
        del run_id
        return False

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """Tell of a run's worker what is true of all."""
        del run
        return CheckRunHealthResult(WorkerStatus.FAILED, "it died")


@job
def works() -> None:
    """Is never executed."""


SETTINGS = {
    "run_launcher": {"module": "__main__", "class": "DeadWorkers"},
    "run_monitoring": {"enabled": True},
}
LAST_EVENTS = {"started": "PIPELINE_START", "starting": "PIPELINE_STARTING"}
LAST_EVENTS["canceling"] = "PIPELINE_CANCELING"
logging.disable()
found = {}
with (
    tempfile.TemporaryDirectory() as home,
    DagsterInstance.local_temp(home, overrides=SETTINGS) as instance,
    WorkspaceProcessContext(instance, EmptyWorkspaceTarget()) as workspace,
):
    runs = {name: instance.create_run_for_job(works).run_id for name in LAST_EVENTS}
    for name, event in LAST_EVENTS.items():
        instance.report_dagster_event(DagsterEvent(event, job_name="works"), runs[name])
    list(execute_run_monitoring_iteration(workspace, logging.getLogger()))
    for name, run_id in runs.items():
        found[name] = instance.get_run_by_id(run_id).status.value  # type: ignore[union-attr]

if found["started"] != "FAILURE":
    sys.exit("This script does not work here: the run that was STARTED has not failed either.")
print("Run monitoring left two runs without a worker:", found["starting"], found["canceling"])
sys.exit((found["starting"], found["canceling"]) == ("STARTING", "CANCELING"))
