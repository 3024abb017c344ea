"""The asset `monthly_summary`: a month's figures and charts, from the database."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg

from pipes.figures import figures
from pipes.partitions import MONTHS
from pipes.storage import Storage

COMPLETE = dg.AssetCheckSpec(
    "complete", asset="monthly_summary", description="Every day of the month so far is stored."
)


@dg.asset(
    partitions_def=MONTHS,
    deps=[
        dg.AssetDep(
            "stored_weather",
            # The running month has days that are still to come.
            partition_mapping=dg.TimeWindowPartitionMapping(
                allow_nonexistent_upstream_partitions=True
            ),
        )
    ],
    group_name="weather",
    check_specs=[COMPLETE],
    retry_policy=dg.RetryPolicy(max_retries=3, delay=2, backoff=dg.Backoff.EXPONENTIAL),
)
def monthly_summary(
    context: dg.AssetExecutionContext, storage: Storage
) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult]:
    """Sum up and draw the days of the month."""
    first = context.partition_time_window.start.date()
    last = context.partition_time_window.end.date() - timedelta(days=1)
    days = storage.days(first, last)
    if not days:
        raise dg.Failure(
            f"No day of {first:%B %Y} is stored: materialize stored_weather first.",
            allow_retries=False,
        )
    yield dg.MaterializeResult(metadata=figures(days))
    expected = (min(last, datetime.now(UTC).date() - timedelta(days=1)) - first).days + 1
    yield dg.AssetCheckResult(
        check_name=COMPLETE.name,
        passed=len(days) >= expected,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"days": len(days), "expected": expected},
    )
