import dagster as dg

from .answers import ANSWER


@dg.op
def answer() -> int:
    return ANSWER


@dg.job(executor_def=dg.in_process_executor)
def from_setup_py() -> None:
    answer()


defs = dg.Definitions(jobs=[from_setup_py])
