"""`./dagnix deploy`."""

from concurrent.futures import ThreadPoolExecutor
from typing import Annotated

import typer

from dagnix import UserError, code, code_settings, images, locations, project
from dagnix.deploy import foreign, history, promotion, rollout
from dagnix.deploy.drain import Afterwards
from dagnix.deploy.turns import turn


def command(  # noqa: PLR0913 - the options of the command line
    location: rollout.Location = locations.FIRST,
    *,
    image: Annotated[
        str | None,
        typer.Option(
            "--image",
            metavar="REF",
            help="Deploy this image instead: an archive, a name, an ID or a digest that podman "
            "knows, or the name of one in a registry.",
        ),
    ] = None,
    environment: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="ENV", help="Deploy the image that this environment serves."
        ),
    ] = None,
    wait: rollout.Wait = rollout.WAIT_SECONDS,
    limit: rollout.Limit = rollout.LIMIT_MINUTES,
    afterwards: rollout.After = Afterwards.KEEP,
) -> None:
    """Make the code of the working tree live, baked into an image, without losing a run.

    The image is built, and a new code server starts from it beside the old one. When its code
    loads it takes over, and the old one goes when its last run has ended. Runs in flight end on the
    old code; runs in the queue run on the new. Webserver and daemon go on. If anything fails before
    the switch, the new container is thrown away, and the old code goes on.
    """
    here = project.current()
    rollout.require(here, location)
    code_settings.require(here)
    if image and environment:
        raise UserError("Give one of --image and --from.")
    if code.folder(here, location):
        raise UserError(
            f"{code.MOUNT_FILE} in COMPOSE_FILE serves the code of a folder: `./dagnix reload` "
            "makes an edit live there; take it out of COMPOSE_FILE to deploy images."
        )
    with turn(here):
        with rollout.served_code_stays():
            if image:
                release = foreign.bring(here, image)
            elif environment:
                release = promotion.code(here, environment, location)
            else:
                release = built(here, location)
        rollout.deploy(here, location, release, rollout.Terms(wait, limit, afterwards))


def built(here: project.Project, location: str) -> history.Release:
    """Build the image from the working tree and give it to podman."""
    with ThreadPoolExecutor(1) as pool:
        origin = pool.submit(history.of_checkout, here, location)
        (layout,) = images.build(here, [location])
        return history.Release("deploy", images.bring(here, layout), origin.result())
