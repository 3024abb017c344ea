"""Extensions for self-hosted Dagster: a run launcher, PostgreSQL storage and an executor."""

from dagster_dagnix.executor import forked_step_executor
from dagster_dagnix.launcher import ForkedRunLauncher
from dagster_dagnix.storage import DagnixPostgresStorage

__all__ = ["DagnixPostgresStorage", "ForkedRunLauncher", "forked_step_executor"]
