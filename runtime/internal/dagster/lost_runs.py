"""Report the end of runs, before code is served: the last code server was killed with them in it.

A run is a process of its code server, so it ended with it; but Dagster's default launcher does not
ask after its runs, and they would stay STARTED for ever. As failed runs they are retried, if their
job allows that (retries.py). In the code server's own process, as importing Dagster takes seconds.
"""

import sys

from dagster import DagsterInstance, DagsterRunStatus

run_ids = sys.argv.pop(1)
LOST = "The code server was killed while it executed this run, or its host went down."

with DagsterInstance.get() as instance:
    for run_id in run_ids.split(","):
        run = instance.get_run_by_id(run_id)
        if run is None or run.is_finished:
            continue
        if run.status is DagsterRunStatus.CANCELING:
            instance.report_run_canceled(run, LOST)
        else:
            instance.report_run_failed(run, LOST)
