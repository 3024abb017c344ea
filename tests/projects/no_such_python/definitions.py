import dagster as dg


@dg.op
def answer() -> int:
    return 42


@dg.job(executor_def=dg.in_process_executor)
def from_no_such_python() -> None:
    answer()


defs = dg.Definitions(jobs=[from_no_such_python])
