"""Make the working tree's code live, baked into an image, without losing a run.

It builds the image, and starts a container from it next to the current one. When that is healthy,
it cuts over: the webserver and the daemon use the new container, without a restart. The old one
drains, and is removed after its last run. Runs in flight finish on the old code; queued runs
start on the new code. If anything fails before it cuts over, the new container is removed, and
the current code stays live. src/dagnix/deploy/deploy.py has these steps.
"""

import argparse
from collections.abc import Iterator

from dagnix import UserError, code_locations, console, project
from dagnix.code import mount
from dagnix.code import settings as code_settings
from dagnix.commands import options
from dagnix.deploy import deploy, image_import, promotion
from dagnix.deploy.terms import Terms
from dagnix.images import build
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
    parser.add_argument(
        "--dry-run", action="store_true", help="only print what podman would be told"
    )


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
    if given.dry_run:
        for line in planned(here, given):
            console.out.print(line, markup=False, soft_wrap=True)
        return
    with lease(here):
        with deploy.served_code_stays():
            if given.image:
                release = image_import.import_image(here, given.image)
            elif given.environment:
                release = promotion.code(here, given.environment, given.location)
            else:
                release = deploy.build(here, given.location)
        terms = Terms(given.wait, given.limit, given.afterwards)
        deploy.deploy(here, given.location, release, terms)


def planned(here: project.Project, given: argparse.Namespace) -> Iterator[str]:
    """Yield what would be done. An image of the working tree is built for that, and not loaded."""
    if given.image:
        how, image_id = ["podman pull --quiet " + given.image], given.image
    elif given.environment:
        how, image_id = [], promotion.code(here, given.environment, given.location).image_id
    else:
        (layout,) = build.build(here, [given.location])
        how = [f"nix build .#{given.location}-oci", f"podman pull --quiet oci:{layout.folder}"]
        image_id = layout.image_id
    return deploy.dry_run(here, given.location, image_id, how)
