"""What only the host knows to be wrong: a file for each, for as long as it is.

The service `alerts` reads them (src/entrypoint/internal/alerts/notices.go), tells people, and tells
them again when the file is gone. Standard library only, as `updates` is.
"""

import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from dagnix import UserError
from dagnix.project import Project

FOLDER = "notices"
DEPLOY, UPDATES = "deploy", "updates"  # kinds (src/entrypoint/internal/alerts/alert.go)
SECURITY = "security"


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
            beside = path.with_name(f".{path.name}")
            beside.write_text(json.dumps(asdict(notice), indent=1) + "\n")
            beside.chmod(0o644)
            beside.replace(path)


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


def of_updates(project: Project, packages: Collection[str]) -> None:
    """Say that these packages have a security update, or that none has."""
    if not packages:
        clear(project, UPDATES, SECURITY)
        return
    title = f"{len(packages)} packages have a security update"
    well = "No security update waits"
    text = f"{', '.join(sorted(packages))}. `./dagnix lock --security` locks them."
    put(project, Notice(UPDATES, SECURITY, title, well, text))


def _path(project: Project, kind: str, subject: str) -> Path:
    return project.sockets / FOLDER / f"{kind}-{subject}.json"
