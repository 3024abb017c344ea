"""Another Dagster: the stack goes from an older one to the checkout's, and back."""

import os
import signal
import subprocess
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from support import locks
from support.command import TIMEOUT_SECONDS, run, wait_until
from support.markdown import Page
from support.podman import Podman
from support.probe import Probe
from support.served import Served, baked_in
from support.stack import ROOT

PAGE = Page(Path("docs/howto/upgrade.md"))
README = Page(Path("README.md"))
RESTORE = PAGE.commands()[-2:]
NEWEST = "29b539ebc72a"
# The revision before the last migration that changes something in Postgres: it adds a column.
BEFORE = "6b7fb194ff9c"
REMOVE = "ALTER TABLE dagster.concurrency_limits DROP COLUMN IF EXISTS using_default_limit"
ADDED = "SELECT count(*) FROM information_schema.columns WHERE column_name = 'using_default_limit'"
WEBSERVER = '"dagster_dagnix.webserver"'  # in nix/images.nix
REVISION = "SELECT version_num FROM dagster.alembic_version"


@pytest.fixture(scope="module")
def older(podman: Podman, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with baked_in(podman, tmp_path_factory.mktemp("older"), locks.go_back) as found:
        yield found


@pytest.fixture(scope="module")
def older_lock(older: Served) -> str:
    return (older.stack.checkout / locks.LOCK).read_text()


def server_info(served: Served) -> set[str]:
    """Return the versions that the dashboard tells."""
    return set(requests.get(f"{served.stack.url}/server_info", timeout=30).json().values())


def versions(served: Served) -> set[str]:
    """Return the versions of Dagster in the services' containers."""
    code = "from importlib.metadata import version; print(version('dagster'))"
    names = ("pipes", "daemon", "webserver")
    return {served.stack.exec(name, "python", "-c", code).stdout.strip() for name in names}


def set_schema_back(served: Served) -> None:
    """Give the database the schema of an older Dagster, as none that is older has another one."""
    served.stack.sql(REMOVE)
    stamp(served, BEFORE)


def stamp(served: Served, revision: str) -> None:
    """Have the database say that it has the schema of a revision."""
    query = f"UPDATE dagster.alembic_version SET version_num = '{revision}'"  # noqa: S608
    served.stack.sql(query)


def backups(served: Served) -> list[Path]:
    """Return the backups, oldest first."""
    return sorted(Path(served.stack.environment["DAGNIX_BACKUPS_DIR"]).glob("*.zip"))


@README.run_by("./dagnix upgrade")
@PAGE.run_by("./dagnix lock python", "./dagnix upgrade")
@pytest.mark.usefixtures("older_lock")  # read before the checkout gets another one
def test_an_upgrade_loses_no_run_and_backs_up(older: Served) -> None:
    stack, crowd, submit = older.stack, older.team, older.client.submit_job_execution
    before, after = locks.dagster(stack.checkout), locks.dagster()
    assert server_info(older) == versions(older) == {before}
    set_schema_back(older)
    crowd.start_automations()
    older.hold()
    long = submit("long")
    older.wait_for_start(long)
    there = stack.identifiers()

    locks.take(stack.checkout, (ROOT / locks.LOCK).read_text())
    older.save("second")
    for command in ("up", "deploy"):
        refused = stack.dagnix(command, check=False)
        assert refused.returncode == 1
        assert "./dagnix upgrade`" in refused.stderr
        assert {before, after} <= set(refused.stderr.replace(",", " ").replace(":", " ").split())
    assert stack.identifiers() == there

    with Probe(stack.url) as probe:
        queued = [submit("short") for _ in range(3)]
        upgraded = stack.dagnix("upgrade")
    print(upgraded.stdout, upgraded.stderr, probe.failures)
    assert f"Dagster {before}" in upgraded.stdout
    assert f"Upgraded to Dagster {after}" in upgraded.stdout
    assert server_info(older) == versions(older) == {after}
    assert stack.sql(REVISION) == NEWEST
    assert stack.sql(ADDED) == "1"
    same = {name for name, each in stack.identifiers().items() if each == there[name]}
    assert same == {"postgres", "gate"}
    assert older.answer() == "second"
    assert {crowd.answer("short", run) for run in queued} <= {"first", "second"}
    older.release()
    assert crowd.answer("long", long) == "first"
    crowd.wait_for_tick()
    crowd.require_automations_went_on()
    crowd.stop_automations()
    assert stack.dagnix("upgrade").stdout.startswith("Nothing to do")

    (backup,) = backups(older)
    assert backup.stat().st_mode & 0o777 == 0o600
    assert str(backup) in upgraded.stdout
    restore_into_scratch(older, backup)


def restore_into_scratch(served: Served, backup: Path) -> None:
    """Require that a backup holds what was there before the upgrade."""
    stack, connect = served.stack, ("--host=/run/postgresql", "--username=postgres")
    stack.exec("postgres", "createdb", *connect, "scratch")
    words = ["exec", "--interactive", stack.container("postgres"), "pg_restore", *connect]
    with zipfile.ZipFile(backup) as archive:
        command = ["podman", *words, "--exit-on-error", "--dbname=scratch"]
        env = {**os.environ, **stack.environment}
        subprocess.run(command, input=archive.read("database.dump"), check=True, env=env)

    def ask(query: str) -> str:
        psql = ("psql", *connect, "-AtqX", "--command", query, "scratch")
        return stack.exec("postgres", *psql).stdout.strip()

    assert ask(REVISION) == BEFORE
    assert ask(ADDED) == "0"
    assert ask("SELECT count(*) > 0 FROM dagster.runs WHERE pipeline_name = 'long'") == "t"
    stack.exec("postgres", "dropdb", *connect, "scratch")


@PAGE.run_by(*RESTORE)
def test_the_restore_that_the_page_shows(older: Served) -> None:
    stack = older.stack
    wait_until(lambda: not stack.draining(), "the old container goes after its last run")
    where = {".dagnix/backups": stack.environment["DAGNIX_BACKUPS_DIR"]}
    script = "\n".join(PAGE.typed(each, where) for each in RESTORE) + " --yes"
    run(["sh", "-c", script], env=stack.environment, cwd=stack.checkout)
    assert stack.sql(REVISION) == BEFORE
    stack.dagnix("upgrade")
    assert stack.sql(REVISION) == NEWEST
    assert older.answer() == "second"


def test_a_schema_that_the_new_dagster_does_not_know(older: Served) -> None:
    stack = older.stack
    there = stack.identifiers()
    stamp(older, "ffffffffffff")
    refused = stack.dagnix("upgrade", check=False)
    stamp(older, NEWEST)
    assert refused.returncode == 1
    assert "its revision is ffffffffffff, and the newest" in refused.stderr
    assert NEWEST in refused.stderr
    assert stack.identifiers() == there


def test_a_migration_that_fails_leaves_all_as_it_was(older: Served) -> None:
    stack = older.stack
    there, known = stack.identifiers(), backups(older)
    set_schema_back(older)
    stack.sql("REVOKE UPDATE ON dagster.alembic_version FROM dagster")
    failed = stack.dagnix("upgrade", check=False)
    stack.sql("GRANT UPDATE ON dagster.alembic_version TO dagster")
    assert failed.returncode == 1
    (backup,) = set(backups(older)) - set(known)
    assert f"The backup is {backup}" in failed.stderr
    assert "permission denied for table alembic_version" in failed.stderr
    assert stack.identifiers() == there
    assert stack.sql(REVISION) == BEFORE
    assert older.answer() == "second"  # the daemon runs


def test_cut_off_at_two_steps_a_third_upgrade_finishes(older: Served) -> None:
    stack = older.stack
    set_schema_back(older)
    older.hold()
    long = older.client.submit_job_execution("long")
    older.wait_for_start(long)
    # Other images of webserver, daemon and pipes with the same Dagster.
    change(stack.checkout, '"DAGSTER_HOME=', '"AGAIN=1" "DAGSTER_HOME=')
    older.save("third")
    kill_at("The daemon is stopped", 2, stack.start_dagnix("upgrade"))
    kill_at("daemon is healthy", 1, stack.start_dagnix("upgrade"))
    # One whose new code cannot be built serves what it served, and all else is upgraded.
    older.save("third", project="[project")
    left = stack.dagnix("upgrade", check=False)
    assert left.returncode == 1
    assert "All else is upgraded, but not pipes:\npipes: " in left.stderr
    assert (stack.sql(REVISION), stack.sql(ADDED)) == (NEWEST, "1")
    assert upgraded(older) == {"webserver", "daemon"}
    assert older.answer() == "second"
    older.save("third")
    stack.dagnix("upgrade")
    assert upgraded(older) == {"webserver", "daemon", "pipes"}
    assert older.answer() == "third"
    older.release()
    assert older.team.answer("long", long) == "second"
    assert stack.dagnix("upgrade").stdout.startswith("Nothing to do")


def upgraded(served: Served) -> set[str]:
    """Return the services that have the images of the test above."""
    stack = served.stack
    return {
        name
        for name in ("webserver", "daemon", "pipes")
        if "AGAIN=1" in stack.podman.inspect(stack.container(name))["Config"]["Env"]
    }


def kill_at(words: str, seconds: float, upgrade: subprocess.Popen[str]) -> None:
    """End the command and all that it has started, so long after it has said something."""
    said: list[str] = []
    for line in upgrade.stderr or ():
        said.append(line)
        if words in line:
            break
    else:
        pytest.fail("".join(said))
    time.sleep(seconds)
    os.killpg(upgrade.pid, signal.SIGKILL)
    upgrade.wait()


def change(folder: Path, old: str, new: str) -> None:
    """Edit the checkout's images, or bring them back."""
    file = folder / "nix" / "images.nix"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_a_service_that_does_not_become_healthy_is_put_back(older: Served) -> None:
    stack = older.stack
    image = stack.podman.inspect(stack.container("webserver"))["Image"]
    change(stack.checkout, WEBSERVER, f'{WEBSERVER} "--no-such-option"')
    failed = stack.dagnix("upgrade", check=False)
    change(stack.checkout, f'{WEBSERVER} "--no-such-option"', WEBSERVER)
    assert failed.returncode == 1
    assert "No such option" in failed.stderr
    assert "webserver has its old image again" in failed.stderr
    assert stack.podman.inspect(stack.container("webserver"))["Image"] == image
    assert older.answer() == "third"


def test_code_must_not_be_newer_than_webserver_and_daemon(older: Served, older_lock: str) -> None:
    stack, podman = older.stack, older.stack.podman
    # An image that this checkout does not know: of other code, with the newer Dagster.
    older.save("elsewhere")
    layout = stack.dagnix("build", "pipes").stdout.strip()
    newer = podman("pull", "--quiet", f"oci:{layout}").stdout.strip()
    try:
        stack.dagnix("deploy", "--image", newer)
        locks.take(stack.checkout, older_lock)
        there = stack.identifiers()
        refused = stack.dagnix("upgrade", check=False)
        assert refused.returncode == 1
        assert "stays: it was deployed from elsewhere" in refused.stdout
        assert f"The code of pipes has Dagster {locks.dagster()}, and the" in refused.stderr
        assert stack.identifiers() == there
        # With code of its own the whole stack goes back, as the schema is one that both know.
        older.save("last")
        stack.dagnix("rollback")
        stack.dagnix("upgrade")
        assert versions(older) == {locks.dagster(stack.checkout)}
        assert older.answer() == "last"
        refused = stack.dagnix("deploy", "--image", newer, check=False)
        assert refused.returncode == 1
        assert f"The code of pipes has Dagster {locks.dagster()}, and the" in refused.stderr
        assert older.answer() == "last"
    finally:
        podman("image", "rm", "--force", newer, check=False)


def test_a_database_that_another_dagster_left_is_told_by_up(older: Served) -> None:
    stack = older.stack
    older.hold()
    long = older.client.submit_job_execution("long")
    older.wait_for_start(long)
    stamp(older, BEFORE)
    down = stack.start_dagnix("down")
    waits = f"waits up to 600 s for its runs in flight to end: {long}"
    # Not always in the first line: what has drained a container before may have the lease.
    assert any(waits in line for line in down.stderr or ())
    older.release()
    down.communicate(timeout=TIMEOUT_SECONDS)
    assert down.returncode == 0
    refused = stack.dagnix("upgrade", check=False)
    assert "./dagnix up starts it" in refused.stderr
    assert "the schema of an older Dagster" in stack.dagnix("up").stderr
    assert older.team.answer("long", long) == "last"  # it had its database until it ended
    known = backups(older)
    stack.dagnix("upgrade")
    assert len(backups(older)) == len(known) + 1
