"""How the steps of a run are executed."""

import dagster as dg


@dg.definitions
def executor() -> dg.Definitions:
    """Run all steps in the run's own process.

    A process for each step is Dagster's default. It takes longer to start than these steps take.
    """
    return dg.Definitions(executor=dg.in_process_executor)
