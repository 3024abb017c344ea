"""Look once whether the table of runs has the columns for when a run began and ended.

Dagster asks before each list of runs (1.13), which the daemon's queue reads every two seconds, and
SQLAlchemy then reads the whole table's description from Postgres's catalogue: nine queries. Only
that they are there is remembered: a migration may add them, and none removes them.
"""

from dagster._core.storage.runs import SqlRunStorage

look = SqlRunStorage.has_run_stats_index_cols


def has_run_stats_index_cols(storage: SqlRunStorage) -> bool:
    """Answer from memory once they were seen."""
    seen = vars(storage)
    if not seen.get("run_stats_columns"):
        seen["run_stats_columns"] = look(storage)
    return seen["run_stats_columns"]


SqlRunStorage.has_run_stats_index_cols = has_run_stats_index_cols
