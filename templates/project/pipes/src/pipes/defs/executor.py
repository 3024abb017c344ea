"""How the steps of a run are executed."""

import dagster as dg


@dg.definitions
def executor() -> dg.Definitions:
    """Run all steps in the run's own process, one after the other.

    That costs least while steps are short. For steps that run at the same time, each in a process
    of its own, name `dagster_dagnix.forked_step_executor` here: where Dagnix runs the code it is
    there. Without this file Dagster starts a new Python for each step.
    """
    return dg.Definitions(executor=dg.in_process_executor)
