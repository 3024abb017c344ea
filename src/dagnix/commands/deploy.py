"""Make the working tree's code live, baked into an image, without losing a run.

The image is built, and a new code server starts from it beside the old one. When it is healthy,
webserver and daemon are cut over to it, and the old one drains: it goes after its last run. Runs in
flight end on the old code; runs in the queue run on the new. Webserver and daemon go on. If
anything fails before the cut-over, the new container is removed, and the old code goes on.
"""

import argparse
from concurrent.futures import ThreadPoolExecutor

from dagnix import UserError, code_locations, project
from dagnix.code import mount
from dagnix.code import settings as code_settings
from dagnix.commands import options
from dagnix.deploy import history, image_import, promotion, rollout
from dagnix.deploy.terms import Terms
from dagnix.images import build, load
from dagnix.stack.lease import lease


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what it takes."""
    options.location(parser)
    parser.add_argument(
        "--image",
        metavar="REF",
        help="deploy this image instead: an archive, a name, an ID or a digest that podman "
        "knows, or the name of one in a registry",
    )
    parser.add_argument(
        "--from",
        dest="environment",
        metavar="ENV",
        help="deploy the image that this environment serves",
    )
    options.terms(parser)


def run(given: argparse.Namespace) -> None:
    """Run the command."""
    here = project.current()
    code_locations.require(here.root, given.location)
    code_settings.require(here)
    if given.image and given.environment:
        raise UserError("Give one of --image and --from.")
    if mount.folder(here, given.location):
        raise UserError(
            f"{mount.MOUNT_FILE} in COMPOSE_FILE serves the code of a folder: `./dagnix reload` "
            "makes an edit live there; take it out of COMPOSE_FILE to deploy images."
        )
    with lease(here):
        with rollout.served_code_stays():
            if given.image:
                release = image_import.import_image(here, given.image)
            elif given.environment:
                release = promotion.code(here, given.environment, given.location)
            else:
                release = built(here, given.location)
        rollout.deploy(
            here, given.location, release, Terms(given.wait, given.limit, given.afterwards)
        )


def built(here: project.Project, location: str) -> history.Release:
    """Build the image from the working tree and give it to podman."""
    with ThreadPoolExecutor(1) as pool:
        origin = pool.submit(history.of_checkout, here, location)
        (layout,) = build.build(here, [location])
        return history.Release("deploy", load.ensure(here, layout), origin.result())
