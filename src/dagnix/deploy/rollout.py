"""A deploy from the check of the code to the line in the history."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Annotated

import typer

from dagnix import UserError, code, code_secrets, console, health, locations
from dagnix.deploy import drain, generations, history, names, switch
from dagnix.deploy.drain import Afterwards
from dagnix.project import Project
from dagnix.upgrade import hosts

# The code location whose image is deployed.
Location = Annotated[
    str, typer.Argument(metavar="[LOCATION]", help="The code location, pipes without it.")
]

# The environment whose images are taken over.
Images = Annotated[
    str | None,
    typer.Option("--from", metavar="ENV", help="Build nothing: take this environment's images."),
]

WAIT_SECONDS = 120
LIMIT_MINUTES = 24 * 60

Wait = Annotated[
    float, typer.Option(min=1, help="Seconds that the new code server may take to become healthy.")
]
Limit = Annotated[float, typer.Option(min=0, help="Minutes that runs may go on on the old code.")]
After = Annotated[
    Afterwards,
    typer.Option(
        help="What then becomes of them: keep them and their container until they end, "
        "cancel them, or fail them (a job that allows retries is retried on the new code)."
    ),
]


@contextmanager
def served_code_stays() -> Iterator[None]:
    """Say so when what is done before the switch fails."""
    try:
        yield
    except UserError as error:
        raise UserError(f"{error}\nThe code that is served stays as it was.") from error


@dataclass(frozen=True)
class Terms:
    """What a switch is subject to: `wait` in seconds, `limit` in minutes."""

    wait: float
    limit: float
    afterwards: Afterwards


def require(project: Project, location: str) -> None:
    """Raise UserError if the checkout has no code location of this name, or no lock to be read."""
    if says := locations.unreadable(project.root).get(location):
        raise UserError(says)
    if location not in (known := locations.names(project.root)):
        raise UserError(f"There is no code location {location}: it is one of {', '.join(known)}.")


def deploy(project: Project, service: str, release: history.Release, terms: Terms) -> None:
    """Serve the code of an image that podman has.

    Raises:
        UserError: the code does not load or is not served; what was served goes on.

    """
    present, descriptions = switch.prepare(project, service)
    old = generations.serving(project, service, present)
    history.note_present(project, service, old.image_id)
    same = old.image_id == release.image_id and old.mounted == code.folder(project, service)
    if same and not code_secrets.changed_since(project, service, old.started):
        names.make_current(project, service, release.image_id)
        switch.have_served(project, old, terms.wait)
        drain.begin(project)
        console.out.print("Nothing to do: this image is what is served.")
        return
    with served_code_stays():
        hosts.require_code(project, present, service, release.image_id)
        new = switch.start_beside(project, old, release.image_id, descriptions, terms.wait)
    switch.hand_over(project, new)
    health.ask(project, new)
    names.keep(project, service, release.image_id)
    history.add(project, service, release)
    console.out.print(f"Live: {new.digest}")
    with suppress(UserError):  # it may be what this deploy mends
        if left := generations.runs(project, old):
            console.out.print(
                f"{len(left)} run(s) in flight end on the old code; its container goes after the "
                "last (./dagnix status)."
            )
    drain.begin(project, terms.limit * 60, terms.afterwards)
