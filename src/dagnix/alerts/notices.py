"""What only the host knows to be wrong: a file for each, for as long as it is.

The service `alerts` reads them (src/entrypoint/internal/alerts/notices.go), tells people, and tells
them again when the file is gone.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from dagnix import UserError
from dagnix.project import Project
from dagnix.stack import sockets

FOLDER = "notices"
DEPLOY, UPDATES = "deploy", "updates"  # kinds (src/entrypoint/internal/alerts/alert.go)


@dataclass(frozen=True)
class Notice:
    """What is wrong: `title` in a line, `text` says more, `well` is told when it is over."""

    kind: str
    subject: str
    title: str
    well: str
    text: str = ""


def put(project: Project, notice: Notice) -> None:
    """Say that something is wrong, in place of what was said of the same kind and subject.

    Without a folder of sockets no instance is there to be told about.
    """
    path = _path(project, notice.kind, notice.subject)
    with suppress(OSError):  # what is wrong is told on the terminal as well
        if project.sockets.is_dir():
            path.parent.mkdir(exist_ok=True)
            sockets.write(path, json.dumps(asdict(notice), indent=1) + "\n")


def clear(project: Project, kind: str, subject: str) -> None:
    """Say that it is well again, if it was not."""
    with suppress(OSError):
        _path(project, kind, subject).unlink(missing_ok=True)


@contextmanager
def of_deploy(project: Project, service: str) -> Iterator[None]:
    """Say that new code was refused, if a UserError does so; or that it is well."""
    try:
        yield
    except UserError as error:
        text = f"{error}".partition("\n")[0] + " What was served before goes on."
        title, well = f"New code of {service} was refused", f"New code of {service} is served"
        put(project, Notice(DEPLOY, service, title, well, text))
        raise
    clear(project, DEPLOY, service)


def _path(project: Project, kind: str, subject: str) -> Path:
    return project.sockets / FOLDER / f"{kind}-{subject}.json"
