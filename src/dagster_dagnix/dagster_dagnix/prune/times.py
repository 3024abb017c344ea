"""When a code location was pruned last, kept where Dagster's daemons keep their cursors."""

import datetime as dt

from dagster import DagsterInstance

_KEY = "dagnix/pruned/"


def pruned_at(instance: DagsterInstance, location: str) -> dt.datetime | None:
    """Return when a code location was pruned last; None if it never was."""
    key = _KEY + location
    found = instance.daemon_cursor_storage.get_cursor_values({key}).get(key)
    return dt.datetime.fromisoformat(found) if found else None


def note_pruned(instance: DagsterInstance, location: str, now: dt.datetime) -> None:
    """Note that a code location was pruned."""
    instance.daemon_cursor_storage.set_cursor_values({_KEY + location: now.isoformat()})
