"""A folder of one's own for each test, and a real Postgres for those that ask for it."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa

from pipes.incoming import Incoming, file_name
from pipes.storage import Storage
from pipes.weather import COLUMNS

PASSWORD = "only for this test"
PORT = 5432  # a part of the socket's name
# What the stack gives the role `storage`.
ROLE = (
    f"CREATE ROLE storage LOGIN PASSWORD '{PASSWORD}'",
    "CREATE SCHEMA storage AUTHORIZATION storage",
    "ALTER ROLE storage SET search_path = storage",
    "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
)

Drop = Callable[..., Path]


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let nothing of the machine's own settings in, and nothing of the test's out."""
    for name in list(os.environ):
        if name.startswith(("PIPES_", "STORAGE_PG_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def incoming() -> Incoming:
    return Incoming.from_environment()


@pytest.fixture
def drop(incoming: Incoming) -> Drop:
    """Write a day's file into the incoming folder; keyword arguments change its values."""

    def write(day: str, **changes: str | float) -> Path:
        good = {
            "date": day,
            "precipitation_mm": 1.5,
            "temp_max_c": 9.0,
            "temp_min_c": 4.0,
            "wind_m_per_s": 3.0,
            "weather": "rain",
        }
        values = good | changes
        path = Path(incoming.folder) / file_name(date.fromisoformat(day))
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"{','.join(COLUMNS)}\n{','.join(str(values[name]) for name in COLUMNS)}\n")
        return path

    return write


@pytest.fixture(scope="session")
def postgres() -> Iterator[sa.URL]:
    """Start PostgreSQL on a Unix socket of its own; give its superuser's URL."""
    binaries = _postgres_binaries()
    # Not pytest's own folder, nor TMPDIR, which is private in `nix develop`: the user postgres has
    # to get in, and a Unix socket's path is short.
    folder = Path(tempfile.mkdtemp(prefix="pipes-postgres-", dir="/tmp"))
    # PostgreSQL refuses to run as root; Debian's package brings the user postgres.
    user = "postgres" if os.getuid() == 0 else None
    if user:
        shutil.chown(folder, user)
    data = folder / "data"

    def control(*arguments: str | Path) -> None:
        subprocess.run(
            [binaries / "pg_ctl", "--pgdata", data, "--silent", *arguments],
            check=True,
            user=user,
            group=user,
            extra_groups=[] if user else None,
            cwd=folder,
            stdout=subprocess.DEVNULL,
        )

    try:
        password = folder / "password"
        password.write_text(PASSWORD)
        password.chmod(0o644)
        control(
            "initdb",
            f"--options=--username=postgres --auth=scram-sha-256 --no-sync --pwfile={password}",
        )
        options = f"-c listen_addresses= -k {folder} -c fsync=off"
        control("start", "--timeout=600", f"--log={folder / 'log'}", f"--options={options}")
        try:
            yield sa.URL.create(
                "postgresql+psycopg2", "postgres", PASSWORD, str(folder), PORT, "postgres"
            )
        finally:
            control("stop", "--mode=immediate")
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def postgres_environment(postgres: sa.URL, monkeypatch: pytest.MonkeyPatch) -> Iterator[sa.Engine]:
    """Make a database for one test, and point the pipelines at it; give a superuser's engine."""
    server = sa.create_engine(postgres, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with server.connect() as connection:
        connection.execute(sa.text("CREATE DATABASE pipes"))
    database = sa.create_engine(postgres.set(database="pipes"), poolclass=sa.NullPool)
    try:
        with database.begin() as connection:
            for statement in ROLE:
                connection.execute(sa.text(statement))
        monkeypatch.setenv("STORAGE_PG_HOST", str(postgres.host))
        monkeypatch.setenv("STORAGE_PG_PORT", str(PORT))
        monkeypatch.setenv("STORAGE_PG_DB", "pipes")
        monkeypatch.setenv("STORAGE_PG_PASSWORD", PASSWORD)
        yield database
    finally:
        with server.connect() as connection:
            connection.execute(sa.text("DROP DATABASE pipes WITH (FORCE)"))
            connection.execute(sa.text("DROP ROLE IF EXISTS storage"))


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def storage(request: pytest.FixtureRequest) -> Iterator[Storage]:
    """Give the store as the environment configures it, once in each of its two databases."""
    if request.param == "postgres":
        request.getfixturevalue("postgres_environment")
    # Else Dagster's instance in memory is left open, and SQLAlchemy complains in the end.
    with Storage.from_environment().process_config_and_initialize_cm() as initialized:
        yield initialized


def _postgres_binaries() -> Path:
    found = shutil.which("initdb")
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=_version)
    if not found and not debian:
        pytest.fail(
            "These tests need PostgreSQL's server programs: install Debian's package postgresql, "
            "or leave the tests out with -m 'not postgres'."
        )
    return Path(found or debian[-1]).parent


def _version(path: Path) -> int:
    return int(path.parts[-3])
