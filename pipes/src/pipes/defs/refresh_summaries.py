"""The schedule `refresh_summaries`, and the job that it launches for each month."""

from collections.abc import Iterator

import dagster as dg

from pipes.retries import LOST_RUNS

summaries = dg.define_asset_job(
    "summaries",
    selection=["monthly_summary", "recent_weather"],
    tags=LOST_RUNS,
    description="Sum up a month, and the newest days.",
)


@dg.schedule(
    job=summaries,
    cron_schedule="0 6 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
def refresh_summaries(
    context: dg.ScheduleEvaluationContext,
) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Request a run for each month that has got new days since it was last summed up."""
    stored = _newest(context.instance, "stored_weather")
    summed_up = _newest(context.instance, "monthly_summary")
    months = {}
    for day, event in stored.items():
        month = f"{day[:7]}-01"
        months[month] = max(event, months.get(month, 0))
    changed = {m: event for m, event in months.items() if event > summed_up.get(m, 0)}
    if not changed:
        yield dg.SkipReason("No month has got new days.")
    for month, event in sorted(changed.items()):
        yield dg.RunRequest(run_key=f"{month} {event}", partition_key=month)


def _newest(instance: dg.DagsterInstance, asset: str) -> dict[str, int]:
    """Map each materialized partition to the storage ID of its newest materialization.

    Storage IDs grow with time, over all assets.
    """
    found = instance.get_latest_storage_id_by_partition(
        dg.AssetKey(asset), dg.DagsterEventType.ASSET_MATERIALIZATION
    )
    return dict(found)
