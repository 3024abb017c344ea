import dagster as dg

from report.answers import ANSWER


@dg.op
def answer() -> int:
    return ANSWER


@dg.job(executor_def=dg.in_process_executor)
def from_dg() -> None:
    answer()


defs = dg.Definitions(jobs=[from_dg])
