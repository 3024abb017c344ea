"""Ticks of schedules and sensors, also of those that are stopped: the daemon sees to the others."""

import datetime as dt

from dagster import DagsterInstance
from dagster._core.scheduler.instigation import InstigatorState, TickStatus

from dagster_dagnix.prune import queries
from dagster_dagnix.retention import Retention

# A tick that goes on has its number from the others.
ENDED = (TickStatus.SKIPPED, TickStatus.SUCCESS, TickStatus.FAILURE)


def prune(
    instance: DagsterInstance, retention: Retention, now: dt.datetime, *, is_dry: bool
) -> int:
    """Delete ticks by the ages of `retention` in dagster.yaml, and by number; return how many.

    The last tick of each stays. If it is dry, nothing is deleted.
    """
    went = 0
    for state in instance.all_instigator_state():
        for status, moment in limits(instance, state, retention, now).items():
            went += queries.ticks(instance, state.selector_id, status.value, moment)
            if not is_dry:
                instance.purge_ticks(
                    state.instigator_origin_id, state.selector_id, moment, [status]
                )
    return went


def limits(
    instance: DagsterInstance, state: InstigatorState, retention: Retention, now: dt.datetime
) -> dict[TickStatus, float]:
    """Return before which moment, in seconds, ticks of a schedule or sensor go, by their status."""
    last = queries.tick_time(instance, state.selector_id, 0)
    if last is None:
        return {}
    ages = instance.get_tick_retention_settings(state.instigator_type)
    found = {
        status: min(last, (now - dt.timedelta(days=days)).timestamp())
        for status, days in ages.items()
        if days > 0  # Dagster has -1 for no limit
    }
    oldest = None
    if retention.ticks:
        oldest = queries.tick_time(instance, state.selector_id, retention.ticks - 1)
    if oldest is not None:
        found |= {status: max(oldest, found.get(status, 0.0)) for status in ENDED}
    return found
