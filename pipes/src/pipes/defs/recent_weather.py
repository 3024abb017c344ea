"""The asset `recent_weather`: the newest days, whatever month they are of."""

import dagster as dg

from pipes.figures import figures
from pipes.storage import Storage

DAYS = 31


@dg.asset(
    deps=["stored_weather"],
    group_name="weather",
    retry_policy=dg.RetryPolicy(max_retries=3, delay=2, backoff=dg.Backoff.EXPONENTIAL),
)
def recent_weather(storage: Storage) -> dg.MaterializeResult:
    """Sum up and draw the newest 31 days that are stored."""
    days = storage.newest(DAYS)
    if not days:
        raise dg.Failure("No day is stored: materialize stored_weather first.", allow_retries=False)
    return dg.MaterializeResult(metadata=figures(days))
