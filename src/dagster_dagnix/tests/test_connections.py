"""The connections to PostgreSQL that runs hold, on a server that has few."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import Served, World, postgres, until
from sqlalchemy import text

from dagster_dagnix.storage import engine

# Runs at once, and max_connections: of a small server, and PostgreSQL's default.
FEW, MANY = (10, 30), (30, 100)
OTHERS = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = 'dagster' AND pid <> pg_backend_pid()"
)


@pytest.fixture(scope="module")
def connections() -> int:
    """How many connections PostgreSQL takes, three of them a superuser's."""
    return FEW[1]


@pytest.fixture(scope="module")
def narrow(connections: int) -> Iterator[World]:
    """An instance on a PostgreSQL of that size."""
    with postgres(f"max_connections={connections}") as database:
        folder = Path(tempfile.mkdtemp(prefix="dagnix-"))
        made = World(folder, database, {})
        yield made
        made.instance.dispose()
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def served(narrow: World) -> Iterator[Served]:
    made = Served(narrow, "narrow", DAGNIX_KILL_SECONDS="1").ready()
    yield made
    if made.process.poll() is None:
        made.kill()


def held(world: World) -> int:
    """Count the connections of all others."""
    made = engine(world.instance.run_storage.postgres_url)
    with made.connect() as connection:
        return connection.execute(text(OTHERS)).scalar_one()


@pytest.mark.parametrize(("count", "connections"), [FEW, MANY], scope="module")
def test_runs_at_once_hold_a_connection_each_and_succeed(
    narrow: World, served: Served, tmp_path: Path, count: int
) -> None:
    before = held(narrow)
    go = tmp_path / "go"
    runs = []
    for number in range(count):
        config = {"note": str(tmp_path / str(number)), "until": str(go)}
        run = narrow.run(served.location, "works", work={"config": config})
        runs.append(narrow.launch(run))
    for number in range(count):
        until((tmp_path / str(number)).exists, "all are at work")
    # One of before may have gone meanwhile.
    until(lambda: count <= held(narrow) <= before + count, f"{held(narrow)} held, {before} before")
    go.touch()
    for run in runs:
        narrow.wait(run, "SUCCESS")
    until(lambda: held(narrow) <= before, "all are given back")


def test_a_step_in_a_process_of_its_own_holds_one_more(
    narrow: World, served: Served, tmp_path: Path
) -> None:
    before = held(narrow)
    go, note = tmp_path / "go", tmp_path / "note"
    config = {"note": str(note), "until": str(go)}
    run = narrow.launch(narrow.run(served.location, "steps", after={"config": config}))
    until(note.exists, "its last step is at work")
    until(lambda: 2 <= held(narrow) <= before + 2, f"{held(narrow)} held, {before} before")
    go.touch()
    narrow.wait(run, "SUCCESS")
