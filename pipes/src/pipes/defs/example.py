"""The job `example`: the whole way from the shipped samples to a chart, in one run."""

import dagster as dg

from pipes.retries import LOST_RUNS

# Days that there are samples of. The tags are those of a backfill in a single run, so the job needs
# no partition and no config when it is launched.
example = dg.define_asset_job(
    "example",
    selection=["daily_weather", "stored_weather", "recent_weather"],
    tags=LOST_RUNS
    | {
        "dagster/asset_partition_range_start": "2012-01-01",
        "dagster/asset_partition_range_end": "2012-01-31",
    },
    description="Check and store the samples of January 2012, and draw them.",
)
