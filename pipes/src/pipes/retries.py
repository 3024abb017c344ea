"""Tags of the jobs whose runs may be repeated: each run ends the same however often it is done."""

LOST_RUNS = {
    # For runs that the platform lost: a killed worker, a restarted host.
    "dagster/max_retries": "3",
    # Assets retry by themselves what can be retried. A bad file has been moved aside, and another
    # run would take an older one for it.
    "dagster/retry_on_asset_or_op_failure": "false",
}
