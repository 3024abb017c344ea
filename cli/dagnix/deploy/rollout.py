"""A deploy from the check of the code to the line in the history."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Annotated

import typer

from dagnix import UserError, code, console
from dagnix.deploy import drain, generations, history, names, switch
from dagnix.deploy.drain import Afterwards
from dagnix.project import Project
from dagnix.upgrade import hosts

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


def deploy(project: Project, how: str, image_id: str, origin: history.Origin, terms: Terms) -> None:
    """Serve the code of an image that podman has; `origin` is its revision and whether dirty.

    Raises:
        UserError: the code does not load or is not served; what was served goes on.

    """
    switch.settle(project)
    old = generations.serving(project)
    history.note_present(project, old.image_id)
    if old.image_id == image_id and old.mounted == code.folder(project):
        names.make_current(project, image_id)
        drain.begin(project)
        console.out.print("Nothing to do: this image is what is served.")
        return
    with served_code_stays():
        hosts.require_code(project, image_id)
    names.keep(project, image_id)
    with served_code_stays():
        new = switch.start_beside(project, image_id, terms.wait)
    switch.hand_over(project, new)
    history.add(project, how, image_id, origin)
    console.out.print(f"Live: {new.digest}")
    with suppress(UserError):  # it may be what this deploy mends
        if left := generations.runs(project, old):
            console.out.print(
                f"{len(left)} run(s) in flight end on the old code; its container goes after the "
                "last (./dagnix status)."
            )
    drain.begin(project, terms.limit * 60, terms.afterwards)
