"""The storage: connections, what is known of the schema, tables, and the order of a run's end."""

import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from dagster import DagsterEvent, DagsterEventType
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.tags import WILL_RETRY_TAG
from dagster_postgres import PostgresEventLogStorage, PostgresRunStorage
from harness import World, fields
from sqlalchemy import event, text

from dagster_dagnix.storage import DagnixPostgresStorage, DagnixScheduleStorage, engine, url


@pytest.fixture
def empty(database: Path, request: pytest.FixtureRequest) -> str:
    """The address of a database without tables."""
    own = f"test_{os.getpid()}_{abs(hash(request.node.name))}"
    address = url({"postgres_db": fields(database, "dagster")})
    with engine(address).connect() as connection:
        connection.execute(text(f"CREATE DATABASE {own}"))
    return url({"postgres_db": fields(database, own)})


def test_a_host_name_stays_one() -> None:
    config = {"hostname": "db", "db_name": "d", "username": "u", "password": "p@", "port": 1}
    assert url({"postgres_db": config}) == "postgresql://u:p%40@db:1/d"
    assert url({"postgres_url": "postgresql://x"}) == "postgresql://x"


def test_tables_are_made_once_by_processes_that_begin_together(empty: str) -> None:
    def make() -> None:
        os._exit(DagnixPostgresStorage(empty).run_storage.get_runs_count())

    assert exit_codes(make, 4) == [0] * 4


def exit_codes(do: Callable[[], None], count: int) -> list[int | None]:
    """Do something in so many forks at the same time."""
    forks = [multiprocessing.get_context("fork").Process(target=do) for _ in range(count)]
    for each in forks:
        each.start()
    for each in forks:
        each.join()
    return [each.exitcode for each in forks]


def test_runs_events_and_schedules_share_a_connection(world: World) -> None:
    instance = world.instance
    instance.get_runs_count()
    instance.event_log_storage.get_maximum_record_id()
    instance.schedule_storage.all_instigator_state()
    made = engine(world.instance.run_storage.postgres_url)
    assert made.pool.checkedin() == 1
    assert made.pool.checkedout() == 0


def test_a_connection_that_postgres_has_cut_is_replaced(world: World) -> None:
    made = engine(world.instance.run_storage.postgres_url)
    with made.connect() as connection:
        connection.execute(text("SELECT 1"))
    cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
    other = engine(world.instance.run_storage.postgres_url, 1234567)
    with other.connect() as connection:
        connection.execute(text(cut))
    assert world.instance.get_runs_count() >= 0


def test_a_fork_has_connections_of_its_own(world: World) -> None:
    def session() -> int | None:
        with world.instance.run_storage.connect() as connection:
            return connection.execute(text("SELECT pg_backend_pid()")).scalar()

    own = session()
    assert session() == own

    def is_another() -> None:
        os._exit(session() == own)

    assert exit_codes(is_another, 3) == [0] * 3
    assert session() == own


def test_the_webservers_limit_of_a_query_is_taken_over(empty: str) -> None:
    storage = DagnixPostgresStorage(empty)
    storage.run_storage.optimize_for_webserver(4321, 1, 1)
    with storage.run_storage.connect() as connection:
        assert connection.execute(text("SHOW statement_timeout")).scalar() == "4321ms"


def test_what_was_seen_of_the_schema_is_not_looked_for_again(world: World) -> None:
    instance = world.instance
    looks = (
        instance.run_storage.has_run_stats_index_cols,
        instance.run_storage.has_backfill_id_column,
        instance.run_storage.has_bulk_actions_selector_cols,
        instance.run_storage.has_bulk_action_job_name_column,
        instance.run_storage.has_backfill_tags_table,
        instance.schedule_storage.has_instigators_table,
        lambda: instance.schedule_storage.has_built_index("schedule_jobs_selector_id"),
        instance.event_log_storage.has_asset_key_index_cols,
        lambda: instance.event_log_storage.has_table("asset_keys"),
    )
    assert all(look() for look in looks)
    statements: list[str] = []
    made = engine(instance.run_storage.postgres_url)

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    event.listen(made, "before_cursor_execute", note)
    try:
        assert all(look() for look in looks)
        assert statements == []
        instance.all_instigator_state()
        assert not [each for each in statements if "pg_catalog" in each]
    finally:
        event.remove(made, "before_cursor_execute", note)


def test_each_index_is_looked_for_until_it_is_there(empty: str) -> None:
    storage = DagnixPostgresStorage(empty).schedule_storage
    assert isinstance(storage, DagnixScheduleStorage)
    assert not storage.has_built_index("first")
    storage.mark_index_built("first")
    assert storage.has_built_index("first")
    assert not storage.has_built_index("second")


def test_a_run_has_failed_before_its_last_event_is_there(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the daemon, which reads each such event once, may find that it has not."""
    run = world.run("storage", "crashes", {"dagster/max_retries": "1"})
    seen = []
    store = PostgresEventLogStorage.store_event

    def look(storage: PostgresEventLogStorage, entry: EventLogEntry) -> None:
        found = world.get(run)
        seen.append(
            (entry.dagster_event.event_type, found.status.value, found.tags.get(WILL_RETRY_TAG))
        )
        store(storage, entry)

    monkeypatch.setattr(PostgresEventLogStorage, "store_event", look)
    changed = []
    change = PostgresRunStorage.handle_run_event

    def note(storage: PostgresRunStorage, *details: object) -> None:
        changed.append(details[0])
        change(storage, *details)

    monkeypatch.setattr(PostgresRunStorage, "handle_run_event", note)
    world.instance.report_run_failed(run)
    assert changed == [run.run_id]
    assert seen[-1] == (DagsterEventType.RUN_FAILURE, "FAILURE", "true")
    assert world.get(run).tags[WILL_RETRY_TAG] == "true"


def test_many_threads_get_a_connection_each(world: World) -> None:
    with ThreadPoolExecutor(30) as threads:
        counts = list(threads.map(lambda _: world.instance.get_runs_count(), range(60)))
    assert len(counts) == 60


def test_an_event_that_changes_no_run_is_stored_as_ever(world: World) -> None:
    run = world.run("storage", "works")
    world.instance.report_engine_event("hello", run)
    assert "hello" in world.said(run)
    event_ = DagsterEvent.job_enqueue(run)
    world.instance.report_dagster_event(event_, run.run_id)
    assert world.get(run).status.value == "QUEUED"
