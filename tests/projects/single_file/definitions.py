import dagster as dg


@dg.op
def answer() -> int:
    return 42


@dg.job(executor_def=dg.in_process_executor)
def from_single_file() -> None:
    answer()


defs = dg.Definitions(jobs=[from_single_file])
