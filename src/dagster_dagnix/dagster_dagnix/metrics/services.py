"""Daemons, pools, PostgreSQL, disks, and the images that were deployed."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from dagster._core.storage.local_compute_log_manager import LocalComputeLogManager
from prometheus_client.core import GaugeMetricFamily, Metric

from dagster_dagnix.metrics.database import rows
from dagster_dagnix.metrics.roster import Roster

CONNECTIONS = """
SELECT usename, count(*) FROM pg_stat_activity
WHERE backend_type = 'client backend' AND usename IS NOT NULL GROUP BY 1
"""
SIZES = """
SELECT current_setting('max_connections')::int, pg_database_size(current_database())
"""
# `./dagnix` writes it into the folder of the sockets.
DEPLOYED, SOCKETS = "deployed.json", "/run/dagnix"


def daemons(roster: Roster) -> Iterator[Metric]:
    """Yield whether each daemon that the instance needs is alive."""
    healthy = GaugeMetricFamily(
        "dagster_daemon_healthy",
        "Whether the last heartbeat is younger than half an hour",
        labels=["daemon_type", "required"],
    )
    heartbeat = GaugeMetricFamily(
        "dagster_daemon_last_heartbeat_timestamp_seconds",
        "When the daemon last posted a heartbeat",
        labels=["daemon_type"],
    )
    for name, status in sorted(roster.instance.get_daemon_statuses().items()):
        healthy.add_metric([name, str(status.required).lower()], bool(status.healthy))
        if status.last_heartbeat:
            heartbeat.add_metric([name], status.last_heartbeat.timestamp)
    yield from (healthy, heartbeat)


def pools(roster: Roster) -> Iterator[Metric]:
    """Yield what of each pool is taken, and who waits."""
    pool = ["pool"]
    name = "dagster_op_pool_concurrency"
    active = GaugeMetricFamily(f"{name}_active_slots", "Slots that steps hold", labels=pool)
    assigned = GaugeMetricFamily(
        f"{name}_assigned_steps", "Steps that have a slot and do not execute yet", labels=pool
    )
    pending = GaugeMetricFamily(f"{name}_pending_steps", "Steps that wait for a slot", labels=pool)
    limit = GaugeMetricFamily(
        f"{name}_limit", "How many slots there are", labels=["pool", "using_default_limit"]
    )
    storage = roster.instance.event_log_storage
    for key in sorted(storage.get_concurrency_keys()):
        info = storage.get_concurrency_info(key)
        active.add_metric([key], info.active_slot_count)
        assigned.add_metric([key], info.assigned_step_count)
        pending.add_metric([key], info.pending_step_count)
        is_default = str(bool(getattr(info, "using_default_limit", False))).lower()
        limit.add_metric([key, is_default], info.slot_count)
    yield from (active, assigned, pending, limit)


def database(roster: Roster) -> Iterator[Metric]:
    """Yield the connections of PostgreSQL and the size of the database."""
    connections = GaugeMetricFamily(
        "dagnix_postgres_connections", "Connections to PostgreSQL, by role", labels=["role"]
    )
    for role, number in sorted(rows(roster.instance, CONNECTIONS)):
        connections.add_metric([role], number)
    ((most, size),) = rows(roster.instance, SIZES)
    yield connections
    yield GaugeMetricFamily(
        "dagnix_postgres_max_connections", "How many there may be in all", value=most
    )
    yield GaugeMetricFamily(
        "dagnix_postgres_database_size_bytes", "Size of Dagster's database", value=size
    )


def disks(roster: Roster) -> Iterator[Metric]:
    """Yield the room on the disk of the compute logs, and on that of podman's volumes."""
    free = GaugeMetricFamily("dagnix_disk_free_bytes", "Free space of a disk", labels=["disk"])
    size = GaugeMetricFamily("dagnix_disk_size_bytes", "Size of a disk", labels=["disk"])
    for name, folder in folders(roster).items():
        usage = shutil.disk_usage(folder)
        free.add_metric([name], usage.free)
        size.add_metric([name], usage.total)
    yield from (free, size)


def folders(roster: Roster) -> dict[str, Path]:
    """Return what is on a disk → a folder there; nothing for what is not there."""
    manager = roster.instance.compute_log_manager
    if not isinstance(manager, LocalComputeLogManager):
        return {}
    named = {
        "compute_logs": Path(manager._base_dir),  # noqa: SLF001 - as in compute_logs.py
        "volumes": getattr(manager, "shared_dir", None),
    }
    return {name: folder for name, folder in named.items() if folder and folder.is_dir()}


def deploys(roster: Roster) -> Iterator[Metric]:
    """Yield the image that each code location serves, if `./dagnix` has written that down."""
    info = GaugeMetricFamily(
        "dagnix_deployed_info",
        "1, with the image that was deployed last",
        labels=["location", "digest", "revision"],
    )
    when = GaugeMetricFamily(
        "dagnix_deployed_timestamp_seconds", "When that was", labels=["location"]
    )
    path = Path(os.environ.get("DAGNIX_SOCKETS") or SOCKETS, DEPLOYED)
    found = json.loads(path.read_text()) if path.is_file() else {}
    for location in sorted(found.keys() & roster.load_errors.keys()):
        each = found[location]
        info.add_metric([location, each["digest"], each["revision"]], 1)
        when.add_metric([location], each["timestamp"])
    yield from (info, when)
