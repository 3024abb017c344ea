"""Look once whether the tables, columns and indexes are there that an old Dagster does not have.

Dagster asks before each list of runs and of schedules (1.13), which the daemon reads every few
seconds. SQLAlchemy then reads the names of all tables from Postgres's catalogue, or the description
of one, which is nine queries. Only that something is there is remembered: a migration may add it,
and none removes it.
"""

from collections.abc import Callable
from typing import Any

from dagster._core.storage.runs import SqlRunStorage
from dagster._core.storage.schedules import SqlScheduleStorage

LOOKS = {
    SqlRunStorage: (
        "has_run_stats_index_cols",
        "has_bulk_actions_selector_cols",
        "has_backfill_id_column",
        "has_bulk_action_job_name_column",
        "has_backfill_tags_table",
    ),
    SqlScheduleStorage: ("has_instigators_table", "_has_instigators_table", "has_built_index"),
}


def once(look: Callable[..., bool]) -> Callable[..., bool]:
    """Return a method that answers as this one, from memory once the answer was yes."""

    def answer(storage: object, *arguments: Any) -> bool:
        names = (each for each in arguments if isinstance(each, str))  # others are connections
        asked = look.__name__, *names
        seen: set[tuple[str, ...]] = vars(storage).setdefault("schema_seen", set())
        if asked in seen:
            return True
        if found := look(storage, *arguments):
            seen.add(asked)
        return found

    return answer


for storage, names in LOOKS.items():
    # A code location may have an older Dagster, with less to look for.
    for name in (each for each in names if hasattr(storage, each)):
        setattr(storage, name, once(getattr(storage, name)))
