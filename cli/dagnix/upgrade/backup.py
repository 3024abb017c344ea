"""Backups of the stack's own Postgres: both schemas, in a file on the host."""

import datetime as dt
import os
from pathlib import Path

from dagnix import UserError, console
from dagnix.podman import directory, settings
from dagnix.process import run
from dagnix.project import Project

MEBIBYTE = 2**20


def take(project: Project, container: str) -> Path:
    """Back the database up and read the backup from its first to its last byte; return the file.

    `container` is the one that runs Postgres. The file can be read by its owner alone.

    Raises:
        UserError: the database cannot be read, the disk is full, or the backup is not whole.

    """
    folder = project.state / "backups"
    folder.mkdir(mode=0o700, exist_ok=True)
    time = dt.datetime.now(dt.UTC).strftime("%Y%m%dT%H%M%SZ")
    file = folder / f"{project.name}-{time}.dump"
    partial = file.with_suffix(".partial")
    with console.step("Backing up the database") as step:
        try:
            _dump(project, container, partial)
            _require_whole(project, container, partial)
            partial.replace(file)
        finally:
            partial.unlink(missing_ok=True)
        step.done = f"Backed up to {file} ({file.stat().st_size / MEBIBYTE:.1f} MiB)"
    return file


def _dump(project: Project, container: str, file: Path) -> None:
    dump = ["pg_dump", "--host=/run/postgresql", "--username=postgres", "--format=custom"]
    words = ["podman", "exec", container, *dump, "dagster"]
    failure = "The database cannot be backed up, and nothing was changed"
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as stream:
            cwd = directory(project.state)
            run(words, failure, env=settings(project.state), target=stream, cwd=cwd)
            os.fsync(stream.fileno())
    except OSError as error:
        raise UserError(f"{failure}: {file} cannot be written: {error.strerror}.") from error


def _require_whole(project: Project, container: str, file: Path) -> None:
    # Not --list, which reads only the beginning. The exit code is all that counts: with
    # --interactive podman 4.3 was seen to lose what a program says, one time in five.
    restore = ["pg_restore", "--exit-on-error", "--file=/dev/null"]
    words = ["podman", "exec", "--interactive", container, *restore]
    failure = "The backup cannot be read back, and nothing was changed"
    with file.open("rb") as stream:
        cwd = directory(project.state)
        run(words, failure, env=settings(project.state), source=stream, cwd=cwd)
