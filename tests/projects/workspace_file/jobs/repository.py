import dagster as dg
from jobs.answers import ANSWER


@dg.op
def answer() -> int:
    return ANSWER


@dg.job(executor_def=dg.in_process_executor)
def from_workspace_file() -> None:
    answer()


defs = dg.Definitions(jobs=[from_workspace_file])
