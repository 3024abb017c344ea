"""The Postgres image by itself."""

import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.command import wait_until
from support.podman import Workbench

PSQL = "/usr/lib/postgresql/17/bin/psql"
TABLES_LOCK = 0x6461676E6978  # as in dagster_dagnix.storage


@dataclass(frozen=True)
class Server:
    """A container of the image."""

    workbench: Workbench
    name: str
    passwords: dict[str, str]
    sockets: str  # the option with which another container has its socket in /run/dagnix

    def sql(self, query: str, role: str | None = None, password: str | None = None) -> str:
        """Run a query as a role, or as the superuser, through the socket.

        Returns rows as lines, columns split by `|`; what psql says instead if it fails.
        """
        given = password if password is not None else self.passwords.get(role or "", "")
        # Without a role the image says where the superuser's password stands.
        options = () if role is None else (f"--env=PGPASSWORD={given}", "--env=PGPASSFILE=")
        words = [self.name, PSQL, "--host=/run/postgresql", f"--username={role or 'postgres'}"]
        words += ["-AtqX", "--no-password", "--command", query, "dagster"]
        done = self.workbench.podman("exec", *options, *words, check=False)
        return (done.stderr if done.returncode else done.stdout).strip()

    def wait(self) -> None:
        """Wait until it is healthy."""
        check = ("exec", self.name, "/opt/dagster/bin/runtime", "health", "postgres")
        podman = self.workbench.podman
        wait_until(lambda: podman(*check, check=False).returncode == 0, "Postgres is healthy")


@pytest.fixture(scope="module")
def server(
    workbench: Workbench, images: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    passwords = {role: secrets.token_hex(16) for role in ("dagster", "storage")}
    folder = tmp_path_factory.mktemp("secrets")
    mounts = [
        f"--volume={_file(folder, role, text)}:/run/secrets/{role}-password:ro"
        for role, text in passwords.items()
    ]
    volume = f"--volume={workbench.volume('data')}:/var/lib/postgresql/data"
    name = f"{workbench.name}-postgres"
    shared = tmp_path_factory.mktemp("sockets")
    shared.chmod(0o777)
    sockets = f"--volume={shared}:/run/dagnix/postgres"
    options = ("--detach", "--network=none", f"--name={name}", volume, sockets, *mounts)
    workbench.run(images["postgres"], options=options)
    found = Server(workbench, name, passwords, f"--volume={shared}:/run/dagnix:ro")
    found.wait()
    yield found
    workbench.podman("rm", "--force", "--time=0", name)


def _file(folder: Path, role: str, text: str) -> Path:
    path = folder / role
    path.write_text(text)
    path.chmod(0o444)
    return path


def test_it_does_not_start_without_a_password(workbench: Workbench, images: dict[str, str]) -> None:
    options = ("--rm", "--network=none")
    done = workbench.run(images["postgres"], options=options, check=False)
    assert done.returncode == 1
    assert 'Postgres does not start without a password for the role "dagster"' in done.stderr


def test_roles_get_in_by_their_password_only(server: Server) -> None:
    for role in ("dagster", "storage"):
        assert server.sql("SELECT current_user", role) == role
        assert "password authentication failed" in server.sql("SELECT 1", role, "wrong")
        assert "no password supplied" in server.sql("SELECT 1", role, "")
    # Containers that share the socket have the server's uid: that alone must not do.
    assert "password authentication failed" in server.sql("SELECT 1", "postgres", "any")
    assert "no password supplied" in server.sql("SELECT 1", "postgres", "")
    assert server.sql("SHOW listen_addresses") == ""
    stored = server.sql(
        "SELECT DISTINCT split_part(rolpassword, '$', 1) FROM pg_authid"
        " WHERE rolpassword IS NOT NULL"
    )
    assert stored == "SCRAM-SHA-256"
    methods = "SELECT DISTINCT auth_method FROM pg_hba_file_rules ORDER BY 1"
    assert server.sql(methods).split() == ["reject", "scram-sha-256"]


def test_each_role_has_a_schema_that_the_other_cannot_read(server: Server) -> None:
    for role, other in (("dagster", "storage"), ("storage", "dagster")):
        assert server.sql("SHOW search_path", role) == role
        server.sql("CREATE TABLE own (value text)", role)
        assert server.sql(f"SELECT '{role}.own'::regclass = 'own'::regclass", role) == "t"
        refused = f"permission denied for schema {other}"
        assert refused in server.sql(f"TABLE {other}.own", role)
        assert refused in server.sql(f"CREATE TABLE {other}.mine ()", role)
        assert "permission denied" in server.sql("CREATE TABLE public.mine ()", role)
        may = "SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls"
        assert server.sql(f"{may} FROM pg_roles WHERE rolname = current_user", role) == "f"


def test_a_restart_keeps_the_data_and_initialises_nothing(server: Server) -> None:
    podman = server.workbench.podman
    server.sql("CREATE TABLE kept AS SELECT 42 AS answer", "storage")
    made = server.sql("SELECT system_identifier FROM pg_control_system()")
    podman("stop", "--time=60", server.name)
    assert podman.inspect(server.name)["State"]["ExitCode"] == 0
    words = "database system is shut down"
    wait_until(lambda: words in podman.logs(server.name).splitlines()[-1], words)
    podman("start", server.name)
    server.wait()
    assert server.sql("SELECT answer FROM storage.kept") == "42"
    assert server.sql("SELECT system_identifier FROM pg_control_system()") == made
    log = podman.logs(server.name)
    assert log.count("first start: making a PostgreSQL 17 cluster") == 1
    assert "database system was not properly shut down" not in log


def test_services_that_start_first_at_the_same_time_make_the_tables_in_turns(
    server: Server, images: dict[str, str]
) -> None:
    values = {"HOST": "/run/dagnix", "PORT": "5432", "DB": "dagster", "USER": "dagster"}
    values["PASSWORD"] = server.passwords["dagster"]
    environment = tuple(f"--env=DAGSTER_PG_{name}={value}" for name, value in values.items())
    options = ("--rm", "--network=none", server.sockets, *environment)

    def start(service: str) -> str:
        words = ("dagster", "instance", "info")
        return server.workbench.run(images[service], *words, options=options).stdout

    services = ("webserver", "daemon", "pipes")
    waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    asleep = "FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
    with ThreadPoolExecutor(len(services) + 1) as pool:
        # Somebody else's turn, so that all of them come to wait for theirs.
        other = pool.submit(server.sql, f"SELECT pg_advisory_lock({TABLES_LOCK}), pg_sleep(600)")
        try:
            wait_until(lambda: server.sql(f"SELECT count(*) {asleep}") == "1", "it has the lock")
            started = [pool.submit(start, service) for service in services]
            wait_until(lambda: server.sql(waiting) == str(len(services)), "all wait for their turn")
            assert server.sql("SELECT to_regclass('dagster.runs')") == ""
        finally:
            server.sql(f"SELECT pg_terminate_backend(pid) {asleep}")
        other.result()
        assert all("$DAGSTER_HOME" in each.result() for each in started)
    assert server.sql("SELECT to_regclass('dagster.runs')") == "dagster.runs"
