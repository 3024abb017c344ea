"""What the role of a code location may do with Dagster's tables: nothing as another location."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dagster import (
    AssetKey,
    AssetMaterialization,
    DagsterEvent,
    DagsterInstance,
    DagsterRun,
    DagsterRunStatus,
)
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.tags import REPOSITORY_LABEL_TAG
from dagster._core.utils import make_new_run_id
from dagster._serdes import serialize_value
from harness import World, fields, postgres
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from dagster_dagnix import rights
from dagster_dagnix.storage import DagnixPostgresStorage, engine, url

ROLES = ("dagster_first", "dagster_big_shop")


@pytest.fixture(scope="module")
def server() -> Iterator[Path]:
    """A PostgreSQL of this module's own, as roles are the whole server's."""
    with postgres() as folder:
        with engine(address(folder, "dagster")).connect() as connection:
            connection.execute(text(f"CREATE ROLE {rights.GROUP}"))
            connection.execute(text("CREATE ROLE stranger LOGIN"))
            for role in ROLES:
                connection.execute(text(f"CREATE ROLE {role} LOGIN IN ROLE {rights.GROUP}"))
        yield folder


def address(folder: Path, role: str) -> str:
    return url({"postgres_db": {**fields(folder, "dagster"), "username": role}})


@pytest.fixture(scope="module")
def world(server: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The instance as webserver and daemon have it, which makes the tables and gives the rights."""
    made = World(tmp_path_factory.mktemp("world"), server, {})
    made.instance.get_runs_count()
    yield made
    made.instance.dispose()


@pytest.fixture(scope="module")
def shop(world: World, tmp_path_factory: pytest.TempPathFactory) -> DagsterInstance:
    """The instance as the code location `big-shop` has it."""
    home = tmp_path_factory.mktemp("shop")
    config = json.loads((world.home / "dagster.yaml").read_text())
    config["storage"]["custom"]["config"]["postgres_db"]["username"] = "dagster_big_shop"
    (home / "dagster.yaml").write_text(json.dumps(config))
    return DagsterInstance.from_config(str(home))


def report(instance: DagsterInstance, run: DagsterRun, kind: str) -> None:
    instance.report_dagster_event(DagsterEvent(kind, run.job_name), run.run_id)


def entry(run: DagsterRun, event: DagsterEvent) -> EventLogEntry:
    return EventLogEntry(
        error_info=None,
        user_message="",
        level=20,
        run_id=run.run_id,
        timestamp=0.0,
        dagster_event=event,
        job_name=run.job_name,
    )


def test_a_location_does_with_its_runs_what_runs_do(world: World, shop: DagsterInstance) -> None:
    run = world.run("big-shop", "works")
    with_nan = {"run_config": {"rate": [float("nan"), float("-inf")]}, "run_id": make_new_run_id()}
    run = world.instance.add_run(run._replace(**with_nan))
    report(shop, run, "PIPELINE_START")
    shop.report_engine_event("half a character \udc80, a zero \0, NaN and a backslash \\", run)
    shop.add_run_tags(run.run_id, {"mine": "NaN, Infinity"})
    shop.add_run_tags(run.run_id, {"mine": "again"})
    made = AssetMaterialization(AssetKey("a"), metadata={"rate": float("nan")}, tags={"t": "1"})
    shop.report_runless_asset_event(made)
    shop.add_dynamic_partitions("days", ["one"])
    shop.delete_dynamic_partition("days", "one")
    storage = shop.event_log_storage
    storage.initialize_concurrency_limit_to_default("pool")
    storage.set_concurrency_slots("pool", 1)
    claimed = storage.claim_concurrency_slot("pool", run.run_id, "step")
    assert claimed.is_claimed
    storage.free_concurrency_slots_for_run(run.run_id)
    report(shop, run, "PIPELINE_SUCCESS")
    assert world.get(run).status is DagsterRunStatus.SUCCESS
    assert world.get(run).tags["mine"] == "again"
    assert shop.get_latest_materialization_event(AssetKey("a"))
    shop.delete_run(run.run_id)
    assert not world.instance.get_run_by_id(run.run_id)


def test_it_reads_of_others_and_writes_nothing(world: World, shop: DagsterInstance) -> None:
    run = world.run("first", "works")
    assert shop.get_run_by_id(run.run_id)
    assert shop.all_logs(run.run_id)
    before = world.get(run), len(world.instance.all_logs(run.run_id))
    for attempt in (
        lambda: report(shop, run, "PIPELINE_FAILURE"),
        lambda: shop.report_engine_event("a lie", run),
        lambda: shop.add_run_tags(run.run_id, {"a": "lie"}),
        lambda: shop.report_run_canceling(run),
    ):
        with pytest.raises(DBAPIError, match="row-level security policy"):
            attempt()
    shop.delete_run(run.run_id)  # sees nothing to delete
    assert (world.get(run), len(world.instance.all_logs(run.run_id))) == before


ORIGIN = "external_pipeline_origin"
REPOSITORY = "external_repository_origin"
LOCATION = "repository_location_origin"


def forged(body: dict[str, Any], how: str, other: str) -> str:  # noqa: PLR0911 - one for each
    """Return the body of a run that names another code location in one of many ways."""
    origin = body[ORIGIN]
    code = origin[REPOSITORY][LOCATION]
    theirs = json.loads(json.dumps(origin))
    theirs[REPOSITORY][LOCATION]["location_name"] = other
    if how == "plainly":
        return json.dumps({**body, ORIGIN: theirs})
    if how == "under its name in Python":
        return json.dumps({**body, "remote_job_origin": theirs})
    if how == "with an escape in the name":
        escaped = json.dumps({**body, "remote_job_origin": theirs})
        return escaped.replace('"remote_job_origin"', r'"remote_job_\u006frigin"')
    if how == "under the repository's name in Python":
        more = {**origin, "repository_origin": theirs[REPOSITORY]}
        return json.dumps({**body, ORIGIN: more})
    if how == "under the location's name in Python":
        more = {**origin[REPOSITORY], "code_location_origin": theirs[REPOSITORY][LOCATION]}
        return json.dumps({**body, ORIGIN: {**origin, REPOSITORY: more}})
    if how == "by the name of a module":
        loaded = {"__class__": "LoadableTargetOrigin", "package_name": other}
        named = {
            "__class__": "ManagedGrpcPythonEnvRepositoryLocationOrigin",
            "location_name": None,
            "loadable_target_origin": loaded,
        }
        more = {**origin[REPOSITORY], LOCATION: named}
        return json.dumps({**body, ORIGIN: {**origin, REPOSITORY: more}})
    if how == "twice":
        once = json.dumps({**body, ORIGIN: theirs})
        return json.dumps(body)[:-1] + ", " + once[1:]
    if how == "in a tag":
        label = f"__repository__@{other}"
        return json.dumps({**body, "tags": {**body["tags"], REPOSITORY_LABEL_TAG: label}})
    assert how == "as another run"
    assert code["location_name"] == "big-shop"
    return json.dumps({**body, "run_id": make_new_run_id()})


@pytest.mark.parametrize(
    "how",
    [
        "plainly",
        "under its name in Python",
        "with an escape in the name",
        "under the repository's name in Python",
        "under the location's name in Python",
        "by the name of a module",
        "twice",
        "in a tag",
        "as another run",
    ],
)
def test_a_run_of_another_location_gets_into_no_row(world: World, server: Path, how: str) -> None:
    own = world.run("big-shop", "works")
    body = json.loads(serialize_value(own))
    new = {"run_id": make_new_run_id()}
    text_of_new = forged({**body, **new}, how, "first")
    insert = "INSERT INTO runs (run_id, status, run_body) VALUES (:run_id, 'QUEUED', :body)"
    update = "UPDATE runs SET run_body = :body, status = 'QUEUED' WHERE run_id = :run_id"
    with engine(address(server, "dagster_big_shop")).connect() as connection:
        honest = {**new, "body": json.dumps({**body, **new})}
        with pytest.raises(DBAPIError, match="row-level security policy"):
            connection.execute(text(insert), {**new, "body": text_of_new})
        connection.execute(text(insert), honest)
        with pytest.raises(DBAPIError, match="row-level security policy"):
            connection.execute(
                text(update), {"run_id": own.run_id, "body": forged(body, how, "first")}
            )
    assert world.get(own).remote_job_origin == own.remote_job_origin


def test_no_other_row_speaks_for_another_location(world: World, server: Path) -> None:
    own, other = world.run("big-shop", "works"), world.run("first", "works")
    event = DagsterEvent("PIPELINE_FAILURE", "works")
    values = {
        "own": own.run_id,
        "other": other.run_id,
        "id": world.instance.event_log_storage.get_maximum_record_id(),
        "label": "__repository__@first",
        "tag": REPOSITORY_LABEL_TAG,
        "event": serialize_value(entry(other, event)),
        "spelt": serialize_value(entry(own, event))[:-1] + rf', "run\u005fid": "{other.run_id}"}}',
    }
    refused = (
        "INSERT INTO event_logs (run_id, event) VALUES (:other, :event)",
        "INSERT INTO event_logs (run_id, event) VALUES (:own, :event)",
        "INSERT INTO event_logs (run_id, event) VALUES (:own, :spelt)",
        "INSERT INTO event_logs (run_id, event) VALUES ('', :event)",
        "INSERT INTO event_logs (run_id, event) VALUES ('nobody', '{\"run_id\": \"nobody\"}')",
        "INSERT INTO run_tags (run_id, key, value) VALUES (:other, 'a', 'b')",
        "INSERT INTO run_tags (run_id, key, value) VALUES (:own, :tag, :label)",
        "UPDATE run_tags SET value = :label WHERE run_id = :own AND key = :tag",
        "INSERT INTO asset_check_executions (run_id) VALUES (:other)",
        "INSERT INTO pending_steps (run_id, concurrency_key) VALUES (:other, 'p')",
        "INSERT INTO asset_event_tags (event_id, asset_key, key) VALUES (:id, 'a', 'k')",
        # Who starts runs by itself is Dagster's own business.
        "INSERT INTO bulk_actions (key, status, timestamp) VALUES ('k', 'REQUESTED', now())",
        "INSERT INTO instigators (selector_id, status) VALUES ('s', 'RUNNING')",
        "UPDATE job_ticks SET status = 'SUCCESS'",
        "INSERT INTO kvs (key, value) VALUES ('k', 'v')",
        "DELETE FROM daemon_heartbeats",
        "DELETE FROM asset_keys",
        "DELETE FROM snapshots",
        "TRUNCATE runs CASCADE",
        "CREATE TABLE public.mine (n int)",
        "ALTER TABLE runs DISABLE ROW LEVEL SECURITY",
        "CREATE OR REPLACE FUNCTION own_location() RETURNS text LANGUAGE sql AS $$SELECT 'first'$$",
        "SET ROLE dagster",
        "SET ROLE dagster_first",
        "SET session_replication_role = replica",
    )
    nothing = (
        "UPDATE runs SET status = 'CANCELED' WHERE run_id = :other",
        "DELETE FROM runs WHERE run_id = :other",
        "DELETE FROM event_logs WHERE run_id = :other",
        "DELETE FROM run_tags WHERE run_id = :other",
    )
    # Its own tables and functions do not stand in for those that are asked.
    names = (
        "SET search_path = pg_temp, public",
        "CREATE TEMPORARY TABLE run_tags AS SELECT :other run_id, :tag AS key, 'big-shop' AS value",
        "CREATE FUNCTION pg_temp.own_location() RETURNS text LANGUAGE sql AS $$SELECT 'first'$$",
        "SELECT public.is_own(:other), public.is_own_label(:label)",
    )
    hidden = (
        "INSERT INTO event_logs (run_id, event) VALUES (:other, :event)",
        "INSERT INTO public.run_tags (run_id, key, value) VALUES (:own, :tag, :label)",
    )
    with engine(address(server, "dagster_big_shop")).connect() as connection:
        for statement in refused:
            with pytest.raises(DBAPIError, match=r"policy|denied|owner"):
                connection.execute(text(statement), values)
        for statement in nothing:
            assert connection.execute(text(statement), values).rowcount == 0, statement
        for statement in names:
            connection.execute(text(statement), values)
        for statement in hidden:
            with pytest.raises(DBAPIError, match="row-level security policy"):
                connection.execute(text(statement), values)
        connection.invalidate()  # with what it has set


def test_a_run_without_a_location_is_everybodys(world: World, shop: DagsterInstance) -> None:
    run = DagsterRun(job_name="by_hand")
    shop.add_run(run)
    report(shop, run, "PIPELINE_START")
    assert world.get(run).status is DagsterRunStatus.STARTED


@pytest.mark.usefixtures("world")
def test_rights_are_given_once_and_anew_after_a_migration(server: Path) -> None:
    with engine(address(server, "dagster")).connect() as connection:
        assert rights.are_given(connection)
        connection.execute(text("CREATE TABLE from_a_migration (n int)"))
        assert not rights.are_given(connection)
        DagnixPostgresStorage(address(server, "dagster"))
        assert rights.are_given(connection)
        asked = "SELECT has_table_privilege('dagster_first', 'from_a_migration', 'SELECT')"
        assert connection.execute(text(asked)).scalar()
        connection.execute(text("DROP TABLE from_a_migration"))
        rights.give(connection)


@pytest.mark.usefixtures("world")
def test_rights_that_a_restore_has_left_out_are_given_again(server: Path) -> None:
    with engine(address(server, "dagster")).connect() as connection:
        schema = connection.execute(text("SELECT current_schema()")).scalar()
        connection.execute(text(f"REVOKE ALL ON SCHEMA {schema} FROM {rights.GROUP}, PUBLIC"))
        assert not rights.are_given(connection)
        DagnixPostgresStorage(address(server, "dagster"))
        assert rights.are_given(connection)
        connection.execute(text(f"GRANT USAGE ON SCHEMA {schema} TO PUBLIC"))  # as it was


@pytest.mark.usefixtures("world")
def test_who_has_no_rights_is_told_so(server: Path) -> None:
    with engine(address(server, "stranger")).connect() as connection:
        assert not rights.may_make_tables(connection)
        with pytest.raises(TimeoutError, match="The role stranger may not store events"):
            rights.wait(connection, 0)


def test_a_database_without_such_roles_stays_as_it_is(database: Path) -> None:
    with engine(url({"postgres_db": fields(database, "dagster")})).connect() as connection:
        assert rights.are_given(connection)
