"""Extensions for self-hosted Dagster: run launcher, PostgreSQL storage, executor, compute logs."""

from dagster_dagnix.compute_logs import LimitedComputeLogManager
from dagster_dagnix.executor import forked_step_executor
from dagster_dagnix.launcher import ForkedRunLauncher
from dagster_dagnix.storage import DagnixPostgresStorage

__all__ = [
    "DagnixPostgresStorage",
    "ForkedRunLauncher",
    "LimitedComputeLogManager",
    "forked_step_executor",
]
