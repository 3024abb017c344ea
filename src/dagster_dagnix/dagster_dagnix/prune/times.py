"""When an instance was pruned last, kept where Dagster's daemons keep their cursors."""

import datetime as dt

from dagster import DagsterInstance

_KEY = "dagnix/pruned"


def pruned_at(instance: DagsterInstance) -> dt.datetime | None:
    """Return when an instance was pruned last; None if it never was."""
    found = instance.daemon_cursor_storage.get_cursor_values({_KEY}).get(_KEY)
    return dt.datetime.fromisoformat(found) if found else None


def note_pruned(instance: DagsterInstance, now: dt.datetime) -> None:
    """Note that an instance was pruned."""
    instance.daemon_cursor_storage.set_cursor_values({_KEY: now.isoformat()})


def is_due(instance: DagsterInstance, every_hours: int) -> bool:
    """Tell whether an instance is to be pruned again after so many hours; 0 is never."""
    if not every_hours:
        return False
    last = pruned_at(instance)
    return last is None or dt.datetime.now(dt.UTC) - last >= dt.timedelta(hours=every_hours)
