"""Extensions for self-hosted Dagster: run launcher, PostgreSQL storage, compute logs, executor."""

from dagster_dagnix.compute_logs import DagnixComputeLogManager
from dagster_dagnix.executor import forked_step_executor
from dagster_dagnix.launcher import ForkedRunLauncher
from dagster_dagnix.storage import DagnixPostgresStorage

__all__ = [
    "DagnixComputeLogManager",
    "DagnixPostgresStorage",
    "ForkedRunLauncher",
    "forked_step_executor",
]
