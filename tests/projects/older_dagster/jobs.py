import sys

import dagster as dg


@dg.op
def answer(context: dg.OpExecutionContext) -> None:
    versions = f"Dagster {dg.__version__} on Python {sys.version_info[0]}.{sys.version_info[1]}"
    context.instance.add_run_tags(context.run_id, {"answer": versions})


@dg.job(executor_def=dg.in_process_executor)
def from_older_dagster() -> None:
    answer()


defs = dg.Definitions(jobs=[from_older_dagster])
