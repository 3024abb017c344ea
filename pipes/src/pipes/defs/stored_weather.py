"""The asset `stored_weather`: the days in the database."""

from collections.abc import Sequence
from datetime import date

import dagster as dg

from pipes.incoming import Incoming
from pipes.partitions import DAYS
from pipes.storage import Storage
from pipes.weather import WeatherDay, read_weather


@dg.asset(
    partitions_def=DAYS,
    deps=["daily_weather"],
    group_name="weather",
    kinds={"postgres"},
    backfill_policy=dg.BackfillPolicy.single_run(),
    # The database may be away for a moment.
    retry_policy=dg.RetryPolicy(max_retries=3, delay=2, backoff=dg.Backoff.EXPONENTIAL),
)
def stored_weather(
    context: dg.AssetExecutionContext, incoming: Incoming, storage: Storage
) -> dg.MaterializeResult:
    """Put the accepted days into the table `weather`; a day that is there gets the new values."""
    rows = [row for key in context.partition_keys for row in _accepted(incoming, key)]
    storage.upsert(rows)
    return dg.MaterializeResult(metadata={"dagster/partition_row_count": 1})


def _accepted(incoming: Incoming, key: str) -> Sequence[WeatherDay]:
    delivery = incoming.find_accepted(date.fromisoformat(key))
    if delivery is None:
        raise dg.Failure(
            f"No file of {key} has been accepted: materialize daily_weather first.",
            allow_retries=False,
        )
    return read_weather(delivery.read())
