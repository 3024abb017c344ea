"""What a container of a code location serves, and since when."""

from dataclasses import dataclass

from dagnix.deploy import history
from dagnix.project import Project
from dagnix.stack.containers import Container


@dataclass(frozen=True)
class Location:
    """What a code location serves; `since` is ISO 8601, `folder` that of mounted code, else "".

    `digest` is that of the image, `revision` the code's git commit if it is known.
    """

    location: str
    served: bool
    since: str
    how: str
    digest: str
    revision: str
    folder: str


def describe(here: Project, container: Container, *, served: bool) -> Location:
    """Return what a code location's container serves; `served` says whether it is asked."""
    name, folder = container.service, str(container.mounted or "")
    deploys = [each for each in history.of(here, name) if each.image == container.image_id]
    if folder or not deploys:
        since = container.started.isoformat(timespec="seconds")
        return Location(name, served, since, "up", container.digest, "", folder)
    last = deploys[-1]
    return Location(name, served, last.when, last.how, last.digest, last.revision, "")
