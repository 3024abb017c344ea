"""compose.external-db.yaml, with a PostgreSQL from Debian's packages."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.command import run
from support.external_postgres import ACCOUNT, external_postgres, may_enter_namespaces
from support.markdown import Page
from support.podman import Podman
from support.stack import ROOT, Stack

pytestmark = pytest.mark.skipif(
    not may_enter_namespaces(),
    reason="only root may put a server into a container's network namespace",
)

PAGE = Page(Path("docs/howto/external-database.md"))
SCRIPT = "psql -h db.example.org -U postgres -d postgres -f config/postgres/external.sql"
FURTHER = (
    "psql -h db.example.org -U postgres -d dagster -v location=marketing "
    "-f config/postgres/external-location.sql"
)
FILES = "export COMPOSE_FILE=compose.yaml:compose.external-db.yaml"
HOST = "export DAGSTER_PG_HOST=db.example.org"


@pytest.fixture
def database(
    new_stack: Stack, podman: Podman, images: dict[str, str]
) -> Iterator[tuple[str, Path]]:
    for name in ("dagster-password", "storage-password"):
        new_stack.write_secret(name, secrets.token_hex(16))
    with external_postgres(podman, new_stack, images["pipes"]) as (host, socket):
        further = new_stack.secrets / "storage" / "marketing"
        further.parent.mkdir()
        further.write_text("further\n")
        for each in (SCRIPT, FURTHER):
            script = PAGE.typed(each, {"db.example.org": str(socket)})
            run(["sh", "-c", script], env=new_stack.environment, cwd=ROOT)
        yield host, socket


@PAGE.run_by(SCRIPT, FURTHER, FILES, HOST, "./dagnix up")
def test_up_and_down_with_a_database_outside_the_stack(
    new_stack: Stack, podman: Podman, database: tuple[str, Path]
) -> None:
    host, socket = database
    exports = [PAGE.typed(each, {"db.example.org": host}) for each in (FILES, HOST)]
    outside = dict(each.removeprefix("export ").split("=") for each in exports)

    right = (new_stack.secrets / "dagster-password").read_text()
    new_stack.write_secret("dagster-password", "wrong\n")
    done = new_stack.dagnix("up", check=False, **outside)
    assert done.returncode != 0
    assert 'refuses the password of the role "dagster"' in done.stderr
    assert "Traceback" not in done.stderr

    new_stack.write_secret("dagster-password", right)
    done = new_stack.dagnix("up", **outside)
    assert "postgres is healthy" not in done.stderr, "the stack has no Postgres of its own"
    assert "The job example ran: SUCCESS" in done.stderr
    count = ["psql", "--host", socket, "--username", ACCOUNT, "-Atqc"]
    stored = run([*count, "SELECT count(*) FROM storage.weather", "dagster"]).stdout.strip()
    assert stored == "31"
    owner = (
        "SELECT rolname, rolpassword IS NOT NULL FROM pg_namespace "
        "JOIN pg_authid ON nspowner = pg_authid.oid WHERE nspname = 'storage_marketing'"
    )
    assert run([*count, owner, "dagster"]).stdout.strip() == "storage_marketing|t"
    tables = "SELECT count(*) > 10 FROM pg_tables WHERE schemaname = 'dagster'"
    assert run([*count, tables, "dagster"]).stdout.strip() == "t"

    # Its backup is not the stack's business.
    before = "UPDATE dagster.alembic_version SET version_num = '6b7fb194ff9c'"
    run([*count, before, "dagster"])
    refused = new_stack.dagnix("upgrade", check=False, **outside)
    assert refused.returncode == 1
    assert "with your own means (pg_dump), and then run ./dagnix upgrade --no-backup" in (
        refused.stderr
    )
    new_stack.dagnix("upgrade", "--no-backup", **outside)
    revision = run([*count, "SELECT version_num FROM dagster.alembic_version", "dagster"])
    assert revision.stdout.strip() not in {"", "6b7fb194ff9c"}

    podman("rm", "--force", "--time=0", host)
    new_stack.dagnix("down", "--volumes", "--yes", **outside)
    assert not any(podman.leftovers(new_stack.project).values())
    assert not podman.images(new_stack.project)
