"""known_schema.py: what is known of the tables is true of each storage, and after a migration."""

import runpy
from collections.abc import Iterator
from pathlib import Path

import pytest
from dagster._core.storage.runs import SqlRunStorage
from dagster._core.storage.runs.in_memory import InMemoryRunStorage
from dagster._core.storage.schedules import SqliteScheduleStorage, SqlScheduleStorage

PROGRAM = Path(__file__).parents[3] / "runtime/internal/dagster/known_schema.py"
ALL = (
    (SqlRunStorage, "has_run_stats_index_cols"),
    (SqlRunStorage, "has_bulk_actions_selector_cols"),
    (SqlRunStorage, "has_backfill_id_column"),
    (SqlRunStorage, "has_bulk_action_job_name_column"),
    (SqlRunStorage, "has_backfill_tags_table"),
    (SqlScheduleStorage, "has_instigators_table"),
    (SqlScheduleStorage, "_has_instigators_table"),
    (SqlScheduleStorage, "has_built_index"),
)


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Have what the program replaces put back."""
    for storage, name in ALL:
        monkeypatch.setattr(storage, name, getattr(storage, name))
    return monkeypatch


@pytest.fixture
def answers(kept: pytest.MonkeyPatch) -> list[bool]:
    """What is found at each look for columns of the table of runs, in the order of looking."""
    found: list[bool] = []

    def has_run_stats_index_cols(_: object) -> bool:
        return found.pop(0)

    kept.setattr(SqlRunStorage, "has_run_stats_index_cols", has_run_stats_index_cols)
    runpy.run_path(str(PROGRAM))
    return found


@pytest.fixture
def schedules(tmp_path: Path, kept: pytest.MonkeyPatch) -> Iterator[SqliteScheduleStorage]:
    del kept
    runpy.run_path(str(PROGRAM))
    storage = SqliteScheduleStorage.from_local(str(tmp_path))
    yield storage
    storage.dispose()


def test_columns_that_a_migration_adds_are_found(answers: list[bool]) -> None:
    answers += [False, True]
    storage = InMemoryRunStorage()
    assert not storage.has_run_stats_index_cols()
    assert storage.has_run_stats_index_cols()


def test_each_storage_is_looked_at(answers: list[bool]) -> None:
    answers += [True, False]
    assert InMemoryRunStorage().has_run_stats_index_cols()
    assert not InMemoryRunStorage().has_run_stats_index_cols()


def test_each_index_is_looked_for(schedules: SqliteScheduleStorage) -> None:
    assert not schedules.has_built_index("first")
    assert not schedules.has_built_index("second")
    schedules.mark_index_built("first")
    assert schedules.has_built_index("first")
    assert not schedules.has_built_index("second")
