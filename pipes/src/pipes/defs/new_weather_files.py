"""The sensor `new_weather_files`, and the job that it launches for each file."""

import json

import dagster as dg

from pipes.incoming import Delivery, Incoming, day_of
from pipes.partitions import DAYS, FIRST_DAY
from pipes.retries import LOST_RUNS

weather_day = dg.define_asset_job(
    "weather_day",
    selection=["daily_weather", "stored_weather"],
    tags=LOST_RUNS,
    description="Check and store the file of one day.",
)


@dg.sensor(
    job=weather_day,
    minimum_interval_seconds=10,
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def new_weather_files(context: dg.SensorEvaluationContext, incoming: Incoming) -> dg.SensorResult:
    """Request a run for each file in the incoming folder that has stopped changing.

    A file counts when it is as it was a tick ago; the cursor remembers that. Its run key holds
    its signature, so a corrected file of the same day gets a run of its own.
    """
    seen_before = json.loads(context.cursor or "{}")
    waiting = {delivery.path.name: delivery for delivery in incoming.waiting()}
    requests = [
        dg.RunRequest(run_key=f"{name} {delivery.signature}", partition_key=partition)
        for name, delivery in waiting.items()
        if seen_before.get(name) == delivery.signature
        and (partition := _partition(context, incoming, delivery))
    ]
    return dg.SensorResult(
        run_requests=requests,
        cursor=json.dumps({name: delivery.signature for name, delivery in waiting.items()}),
    )


def _partition(
    context: dg.SensorEvaluationContext, incoming: Incoming, delivery: Delivery
) -> str | None:
    """Tell which partition a file belongs to; one that belongs to none is moved aside."""
    name = delivery.path.name
    day = day_of(name)
    if day and DAYS.has_partition_key(str(day)):
        return str(day)
    reason = (
        f"{name}: {day} is before {FIRST_DAY} or still to come"
        if day
        else f"{name}: the name must be weather-YYYY-MM-DD.csv"
    )
    context.log.warning("%s. Moved to %s.", reason, incoming.reject(delivery, reason))
    return None
