"""`python -m dagster_dagnix.requeue [RUN_ID ...]`: put back the runs whose launch was interrupted.

To be run before the daemon starts, as only the daemon launches runs: one that is STARTING then was
taken out of the queue by the daemon before it. If nothing executes it, it goes back into the
queue, as the daemon itself does when no run server answers; otherwise it would be failed after
`start_timeout_seconds`. Without arguments, all runs that are STARTING are looked at.
"""

import sys
from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from dagster import DagsterEvent, DagsterInstance, DagsterRun, DagsterRunStatus, RunsFilter

MESSAGE = "The daemon was killed while it launched this run, which goes back into the queue."


@runtime_checkable
class KnowsRuns(Protocol):
    """A run launcher that knows which runs it has launched."""

    def is_executed(self, run: DagsterRun) -> bool:
        """Tell whether there is, or was, something that executes a run. Raises OSError."""
        ...


def requeue(instance: DagsterInstance, run_ids: Sequence[str] = ()) -> list[str]:
    """Put back the runs that nobody executes, and return their IDs."""
    launcher = instance.run_launcher
    if not isinstance(launcher, KnowsRuns):
        raise SystemExit(
            f"This instance's run launcher is {type(launcher).__name__}, and run monitoring looks "
            "after its runs: there is nothing to do here."
        )
    starting = RunsFilter(statuses=[DagsterRunStatus.STARTING], run_ids=list(run_ids) or None)
    return [run.run_id for run in instance.get_runs(starting) if _requeue(instance, launcher, run)]


def _requeue(instance: DagsterInstance, launcher: KnowsRuns, run: DagsterRun) -> bool:
    try:
        if launcher.is_executed(run):
            return False
    except OSError as error:  # run monitoring sees to it
        print(f"Nobody tells whether {run.run_id} is executed: {error}", file=sys.stderr)
        return False
    instance.report_engine_event(MESSAGE, run)
    instance.report_dagster_event(DagsterEvent.job_enqueue(run), run_id=run.run_id)
    return True


def main(run_ids: Sequence[str]) -> None:
    """Put back the runs of the instance in DAGSTER_HOME, and say which went back."""
    with DagsterInstance.get() as instance:
        for run_id in requeue(instance, run_ids):
            print(f"{run_id} goes back into the queue.")


if __name__ == "__main__":
    main(sys.argv[1:])
