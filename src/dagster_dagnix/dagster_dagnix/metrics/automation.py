"""Code locations, and the schedules and sensors in them."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

from dagster import DagsterInstance
from dagster._core.remote_representation.external import RemoteSchedule, RemoteSensor
from dagster._core.scheduler.instigation import (
    InstigatorState,
    ScheduleInstigatorData,
    SensorInstigatorData,
)
from prometheus_client.core import GaugeMetricFamily, Metric

from dagster_dagnix.metrics.database import rows
from dagster_dagnix.metrics.roster import Roster

# A table of ticks is large: of each schedule or sensor one row is read, by the index.
LAST_TICKS = """
SELECT instigator.selector_id, lower(tick.status),
       extract(epoch FROM tick.timestamp::timestamptz)
FROM instigators instigator CROSS JOIN LATERAL (
  SELECT tick.status, tick.timestamp FROM job_ticks tick
  WHERE tick.selector_id = instigator.selector_id ORDER BY tick.timestamp DESC LIMIT 1
) AS tick
"""


@dataclass(frozen=True)
class Tick:
    """The last tick: its status in small letters, and when it was, in seconds since 1970."""

    status: str
    timestamp: float


def locations(roster: Roster) -> Iterator[Metric]:
    """Yield whether each code location loads."""
    error = GaugeMetricFamily(
        "dagster_code_location_load_error",
        "1 for a code location that does not load, else 0",
        labels=["location"],
    )
    for name, fails in sorted(roster.load_errors.items()):
        error.add_metric([name], fails)
    yield error


def ticks(roster: Roster) -> Iterator[Metric]:
    """Yield of each schedule and sensor whether it is on, its last tick, and how late it is."""
    states = {each.selector_id: each for each in roster.instance.all_instigator_state()}
    last = last_ticks(roster.instance)
    now = time.time()
    for kind, found in (("schedule", roster.schedules()), ("sensor", roster.sensors())):
        labels = [f"{kind}_name", "location"]
        on = GaugeMetricFamily(
            f"dagster_{kind}_status",
            f"1, with whether the {kind} is on",
            labels=[*labels, "status"],
        )
        status = GaugeMetricFamily(
            f"dagster_{kind}_last_tick_status",
            "1, with the status of the last tick",
            labels=[*labels, "status"],
        )
        when = GaugeMetricFamily(
            f"dagster_{kind}_last_tick_timestamp_seconds", "When the last tick was", labels=labels
        )
        late = GaugeMetricFamily(
            f"dagster_{kind}_late_seconds",
            "How long the next tick has been due; 0 if it is not, or nothing is on",
            labels=labels,
        )
        for location, each in found:
            state = each.get_current_instigator_state(states.get(each.selector_id))
            names = [each.name, location]
            on.add_metric([*names, "running" if state.is_running else "stopped"], 1)
            tick = last.get(each.selector_id)
            if tick:
                status.add_metric([*names, tick.status], 1)
                when.add_metric(names, tick.timestamp)
            due = next_tick(each, state, tick) if state.is_running else None
            late.add_metric(names, max(0.0, now - due) if due else 0)
        yield from (on, status, when, late)


def last_ticks(instance: DagsterInstance) -> dict[str, Tick]:
    """Return the ID of a schedule's or sensor's selector → its last tick."""
    return {row[0]: Tick(row[1], float(row[2])) for row in rows(instance, LAST_TICKS)}


def next_tick(
    each: RemoteSchedule | RemoteSensor, state: InstigatorState, tick: Tick | None
) -> float | None:
    """Return when the next tick is due, in seconds since 1970; None if that is not known yet."""
    data = state.instigator_data
    begun: float | None = None
    if isinstance(data, ScheduleInstigatorData):
        begun = data.start_timestamp
    elif isinstance(data, SensorInstigatorData):
        begun = data.last_sensor_start_timestamp
    after = max(filter(None, (begun, tick.timestamp if tick else None)), default=None)
    if after is None:
        return None
    if isinstance(each, RemoteSensor):
        return after + each.min_interval_seconds
    times = each.execution_time_iterator(after)
    return next((at.timestamp() for at in times if at.timestamp() > after), None)
