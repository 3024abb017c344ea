"""A backup of the whole instance, in a file on the host."""

import datetime as dt
import os
import shutil
import time
from pathlib import Path

from dagnix import UserError, console
from dagnix.backups import archive, service
from dagnix.backups.folder import ensure_folder
from dagnix.host.podman import directory, settings
from dagnix.process import run
from dagnix.project import Project
from dagnix.stack.health import PROGRAM

MEBIBYTE = 2**20
OLD_SECONDS = 24 * 3600  # an unfinished backup to which nothing was written for so long
FULL_BYTES = MEBIBYTE  # less than this is left
FAILURE = "No backup could be made, and nothing was changed"


def take(project: Project, to: Path | None = None, *, files: bool = True) -> Path:
    """Back up, and read the backup from its first to its last byte; return the file.

    Without `files` only the database and its roles are in it. It is in the folder `to`, or where
    all are, and its owner alone can read it. Until it is whole it has another name, and an
    unfinished one is removed. What the last restore has replaced is let go.

    Raises:
        UserError: the database or a file cannot be read, or the disk is full.

    """
    name = service.container(project)
    target = to or ensure_folder(project)
    moment = dt.datetime.now(dt.UTC).strftime("%Y%m%dT%H%M%SZ")
    file = target / f"{project.name}-{moment}.zip"
    partial = file.with_suffix(".partial")
    with console.step("Backing up") as step:
        try:
            target.mkdir(mode=0o700, parents=True, exist_ok=True)
            _remove_old_partials(target)
            words = ["backup"] if files else ["backup", "--no-files"]
            _write(project, [name, PROGRAM, *words], partial, step)
            archive.read(partial, step.show)
            partial.replace(file)
        except OSError as error:
            raise UserError(f"{FAILURE}: {file} cannot be written: {error.strerror}.") from error
        except UserError as error:
            if shutil.disk_usage(target).free < FULL_BYTES:
                raise UserError(f"{FAILURE}: the disk of {target} is full.") from error
            raise
        finally:
            if partial.parent.is_dir():
                partial.unlink(missing_ok=True)
        step.done = f"Backed up to {file} ({file.stat().st_size / MEBIBYTE:.1f} MiB)"
    service.ask(project, name, "forget", failure="The database from before cannot be removed")
    return file


def _remove_old_partials(folder: Path) -> None:
    """Remove what a backup has left that was killed."""
    for path in folder.glob("*.partial"):
        if time.time() - path.stat().st_mtime > OLD_SECONDS:
            path.unlink(missing_ok=True)


def _write(project: Project, command: list[str], file: Path, step: console.Step) -> None:
    words = ["podman", "exec", *command]
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as stream:
        environment, cwd = settings(), directory(project.state)
        run(words, FAILURE, env=environment, target=stream, cwd=cwd, line=step.show)
        stream.flush()
        os.fsync(stream.fileno())
