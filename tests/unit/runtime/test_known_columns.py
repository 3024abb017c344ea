"""known_columns.py: Postgres is asked once for the columns of the table of runs."""

import runpy
from pathlib import Path

import pytest
from dagster._core.storage.runs import SqlRunStorage
from dagster._core.storage.runs.in_memory import InMemoryRunStorage

PROGRAM = Path(__file__).parents[3] / "runtime/internal/dagster/known_columns.py"


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """What is found at each look, in the order of looking."""
    found: list[bool] = []
    monkeypatch.setattr(SqlRunStorage, "has_run_stats_index_cols", lambda _: found.pop(0))
    runpy.run_path(str(PROGRAM))
    return found


def test_columns_that_are_there_are_looked_for_once(answers: list[bool]) -> None:
    answers += [True, False]
    storage = InMemoryRunStorage()
    assert storage.has_run_stats_index_cols()
    assert storage.has_run_stats_index_cols()
    assert answers == [False]


def test_columns_that_a_migration_adds_are_found(answers: list[bool]) -> None:
    answers += [False, True]
    storage = InMemoryRunStorage()
    assert not storage.has_run_stats_index_cols()
    assert storage.has_run_stats_index_cols()


def test_each_storage_is_looked_at(answers: list[bool]) -> None:
    answers += [True, False]
    assert InMemoryRunStorage().has_run_stats_index_cols()
    assert not InMemoryRunStorage().has_run_stats_index_cols()


def test_a_list_of_runs_asks_it(answers: list[bool]) -> None:
    answers += [True, False]
    storage = InMemoryRunStorage()
    storage.get_run_records()
    storage.get_run_records()
    assert answers == [False]
