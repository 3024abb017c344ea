"""Report the end of runs, before code is served: the last code server was killed with them in it.

A run is a process of its code server, so it ended with it; but Dagster's default launcher does not
ask after its runs, and they would stay STARTED for ever. As failed runs they are retried, if their
job allows that. In the code server's own process, as importing Dagster takes seconds.
"""

import sys
import threading
import time

from dagster import DagsterInstance, DagsterRunStatus
from dagster._core.storage.tags import AUTO_RETRY_RUN_ID_TAG, WILL_RETRY_TAG

run_ids = sys.argv.pop(1)
LOST = "The code server was killed while it executed this run, or its host went down."
# The daemon looks once a minute where code is served. A daemon that looked while nothing was served
# cannot make a retry, and notes that it will not (Dagster 1.13). daemon.py has it try again.
DAEMON_KNOWS_SECONDS = 90


def report(instance: DagsterInstance) -> list[str]:
    """Report the end of all lost runs; return the IDs of those that Dagster is to retry."""
    retried = []
    for run_id in run_ids.split(","):
        run = instance.get_run_by_id(run_id)
        if run is None or run.is_finished:
            continue
        if run.status is DagsterRunStatus.CANCELING:
            instance.report_run_canceled(run, LOST)
            continue
        instance.report_run_failed(run, LOST)
        failed = instance.get_run_by_id(run_id)
        if failed and failed.tags.get(WILL_RETRY_TAG) == "true":
            retried.append(run_id)
    return retried


def ask_again(retried: list[str]) -> None:
    """Ask once more for the retries that the daemon could not make."""
    time.sleep(DAEMON_KNOWS_SECONDS)
    with DagsterInstance.get() as instance:
        for run_id in retried:
            run = instance.get_run_by_id(run_id)
            if run and AUTO_RETRY_RUN_ID_TAG not in run.tags:
                instance.add_run_tags(run_id, {WILL_RETRY_TAG: "true"})


with DagsterInstance.get() as opened:
    to_retry = report(opened)
if to_retry:
    threading.Thread(target=ask_again, args=(to_retry,), daemon=True).start()
