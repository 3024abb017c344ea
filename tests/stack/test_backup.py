"""Backup and restore, by the commands that users type."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from dagster import DagsterRunStatus
from support.command import run
from support.dashboard import Dashboard
from support.markdown import Page
from support.podman import Podman
from support.stack import ROOT, Stack

PAGE = Page(Path("docs/howto/backup-and-restore.md"))
NEWEST, RESTORE, UNDO, *BY_HAND = PAGE.commands()[1:]
# Debian bookworm's packages, from which such a host has PostgreSQL 15.
FIFTEEN = Path("/usr/lib/postgresql/15/bin")
ON_FIFTEEN = f"""
services:
  postgres: &fifteen
    environment: {{PATH: "{FIFTEEN}:/usr/bin"}}
    volumes: ["/usr:/usr:ro"]
  backup: *fifteen
"""
DATA = "/var/lib/dagster/kept"


def write(stack: Stack, text: str) -> None:
    """Leave a row in the pipelines' own data, a role that may read it, and a file."""
    stack.sql(f"""SET ROLE storage; CREATE TABLE storage.kept (text text);
        INSERT INTO storage.kept SELECT '{text}' FROM generate_series(1, 50000)""")  # noqa: S608
    stack.sql("CREATE ROLE reader; GRANT SELECT ON storage.kept TO reader")
    stack.python("pipes", f"open({DATA!r}, 'w').write({text!r})")


def read(stack: Stack) -> tuple[str, str]:
    """Return what `write` has left: of the table, and of the file."""
    there = stack.sql("SELECT to_regclass('storage.kept') IS NOT NULL") == "t"
    row = stack.sql("SELECT min(text) || count(*) FROM storage.kept") if there else ""
    return row, stack.python("pipes", f"print(open({DATA!r}).read(), end='')")


def take_away(stack: Stack) -> None:
    """Remove what `write` has left."""
    stack.sql("DROP TABLE IF EXISTS storage.kept")
    stack.sql("DROP ROLE IF EXISTS reader")
    stack.python("pipes", f"import os; os.unlink({DATA!r})")


def backup(stack: Stack, folder: Path) -> Path:
    """Back up; return the only file in the folder."""
    told = Path(stack.dagnix("backup", "--to", str(folder)).stdout.strip())
    assert [*folder.iterdir()] == [told]
    return told


def runs(stack: Stack) -> set[str]:
    return set(Dashboard(stack.port).runs())


def started(stack: Stack) -> set[str]:
    """Return when each of the services started."""
    names = ("pipes", "daemon", "webserver")
    return {stack.podman.inspect(stack.container(name))["State"]["StartedAt"] for name in names}


@pytest.fixture(scope="module")
def fifteen(podman: Podman, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A backup of another checkout's instance on PostgreSQL 15, and a run that it knows."""
    if not FIFTEEN.is_dir():
        pytest.skip(f"there is no {FIFTEEN}: apt-get install postgresql-15, on Debian 12")
    folder = tmp_path_factory.mktemp("fifteen")
    (folder / "fifteen.yaml").write_text(ON_FIFTEEN)
    files = f"{ROOT}/compose.yaml:{folder}/fifteen.yaml"
    stack = Stack.new(podman, folder, COMPOSE_FILE=files)
    try:
        stack.dagnix("up")
        psql = (str(FIFTEEN / "psql"), "--host=/run/postgresql", "--username=postgres", "-AtqX")
        version = stack.exec("postgres", *psql, "--command=SHOW server_version").stdout
        assert version.startswith("15.")
        more = "--command=SET ROLE storage; CREATE TABLE storage.of_fifteen (n) AS SELECT 15"
        stack.exec("postgres", *psql, more, "dagster")
        (run,) = runs(stack)
        yield backup(stack, folder / "to"), run
    finally:
        podman.remove(stack.project)


def restore_until(stack: Stack, file: Path, there: str) -> None:
    """Begin a restore, and kill the command and all that it has started once that is there."""
    restore = stack.start_dagnix("restore", str(file), "--yes")
    began = time.monotonic()
    while not stack.sql(there) and restore.poll() is None:
        assert time.monotonic() < began + 180
        time.sleep(0.2)
    os.killpg(restore.pid, signal.SIGKILL)
    _, said = restore.communicate()
    assert restore.returncode == -signal.SIGKILL, said
    assert "in place" not in said


def kill_as_it_is_put_in_place(stack: Stack, file: Path) -> None:
    """Kill a restore that is past all checks."""
    marker = stack.checkout / ".dagnix" / "restores" / stack.project
    restore = stack.start_dagnix("restore", str(file), "--yes")
    began = time.monotonic()
    while not marker.exists() and restore.poll() is None:  # it is there for a moment
        assert time.monotonic() < began + 180
        time.sleep(0.05)
    os.killpg(restore.pid, signal.SIGKILL)
    restore.wait()


def as_shown(stack: Stack, *commands: str, answer: str = "", cwd: Path = ROOT) -> str:
    """Run commands of the page, for this instance; `answer` is for the last one."""
    where = {".dagnix/backups": stack.environment["DAGNIX_BACKUPS_DIR"]}
    script = "\n".join(["set -eu", *(PAGE.typed(each, where) for each in commands)])
    return run(["sh", "-c", script + answer], env=stack.environment, cwd=cwd).stdout


@PAGE.run_by("./dagnix backup", UNDO)
def test_a_restore_brings_back_what_was_there(stack: Stack, tmp_path: Path) -> None:
    (first,) = runs(stack)
    write(stack, "first")
    file = backup(stack, tmp_path / "to")
    take_away(stack)
    later, status = Dashboard(stack.port).run("example")
    assert status is DagsterRunStatus.SUCCESS
    there = started(stack)

    restore_until(stack, file, "SELECT 1 FROM pg_database WHERE datname = 'dagster_restored'")
    assert runs(stack) == {first, later}
    assert read(stack) == ("", "")
    assert started(stack) == there

    kill_as_it_is_put_in_place(stack, file)
    finished = stack.dagnix("up")
    assert "A restore was interrupted" in finished.stderr
    assert runs(stack) >= {first}
    assert later not in runs(stack)
    assert read(stack) == ("first50000", "first")
    assert stack.sql("SELECT has_table_privilege('reader', 'storage.kept', 'SELECT')") == "t"

    refused = stack.dagnix("restore", str(file), "--yes", check=False)
    assert refused.returncode == 1
    assert "`./dagnix restore --undo`" in refused.stderr
    as_shown(stack, UNDO, answer=" --yes")
    assert runs(stack) == {first, later}
    assert read(stack) == ("", "")
    stack.dagnix("backup")  # lets it go
    stack.sql("DROP ROLE reader")


@PAGE.run_by(*BY_HAND)
def test_the_checksums_can_be_compared_by_hand(stack: Stack, tmp_path: Path) -> None:
    stack.dagnix("backup")
    assert "database.dump: OK" in as_shown(stack, *BY_HAND, cwd=tmp_path)


@PAGE.run_by(NEWEST, RESTORE)
def test_another_instances_backup_crosses_a_major_version(
    stack: Stack, fifteen: tuple[Path, str]
) -> None:
    file, run = fifteen
    here = runs(stack)
    refused = stack.dagnix("restore", str(file), "--yes", check=False)
    assert refused.returncode == 1
    assert f"and this is {stack.project}" in refused.stderr
    newest = Path(stack.environment["DAGNIX_BACKUPS_DIR"]) / file.name
    shutil.copy(file, newest)
    as_shown(stack, NEWEST, RESTORE, answer=" --yes --other-instance")
    newest.unlink()
    assert runs(stack) == {run}
    assert stack.sql("SELECT n FROM storage.of_fifteen") == "15"
    assert stack.sql("SHOW server_version").startswith("17.")
    _, status = Dashboard(stack.port).run("example")
    assert status is DagsterRunStatus.SUCCESS
    stack.dagnix("restore", "--undo", "--yes")
    assert runs(stack) == here
    stack.dagnix("backup")


def test_a_full_disk_leaves_no_backup(stack: Stack, tmp_path: Path) -> None:
    words = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(tmp_path)]
    if subprocess.run(words, check=False, capture_output=True).returncode:
        pytest.skip("only root may mount a small disk")
    try:
        full = stack.dagnix("backup", "--to", str(tmp_path), check=False)
        assert full.returncode == 1
        assert f"the disk of {tmp_path} is full" in full.stderr
        assert [*tmp_path.iterdir()] == []
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)
