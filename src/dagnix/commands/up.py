"""Build, load and start everything, wait until it is healthy, run the smoke test.

Containers, data and images that exist already stay as they are. DAGNIX_PORT changes the dashboard's
port, COMPOSE_FILE adds compose files, and COMPOSE_PROJECT_NAME names a second instance.

First it finishes or undoes what an interrupted deploy has left. At the end each code location is
served by the container in compose.yaml. The smoke test is a run of the job `example`.

If a code location cannot be built or started, everything else starts nevertheless. The location is
named at the end, and the exit code is 1.

To change the version of Dagster, use ./dagnix upgrade.

With --mount, an edit in DIR is live within seconds, without a build.
"""

import argparse
from pathlib import Path

from dagnix import UserError, code_locations, console, project
from dagnix.access import gate_files, secret_files
from dagnix.backups import restore
from dagnix.backups.folder import ensure_folder
from dagnix.code import mount as code_mount
from dagnix.code import settings as code_settings
from dagnix.commands import options
from dagnix.deploy import code_containers, deploy, history, interrupted, old_images, promotion
from dagnix.deploy.terms import Terms
from dagnix.faults import Faults
from dagnix.host.ports import is_port_free
from dagnix.images import build, garbage, load, tags
from dagnix.images import layout as images_layout
from dagnix.locations import roles, start
from dagnix.stack import containers, location_service, recovery, smoke_test
from dagnix.stack.lease import lease
from dagnix.upgrade import schema
from dagnix.versions import hosts, inspection

# With these the stack can cut a code location over.
NEEDED_TO_CUT_OVER = {"daemon", "webserver"}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what it takes."""
    parser.add_argument(
        "folder",
        nargs="?",
        type=Path,
        metavar="DIR",
        help="with --mount: the Dagster project; default ./pipes",
    )
    parser.add_argument(
        "--mount", action="store_true", help="serve the code from DIR, not from the image"
    )
    options.images(parser)
    options.wait(parser)
    parser.add_argument(
        "--locked", action="store_true", help="refuse to replace a locked file that no mirror has"
    )


def run(given: argparse.Namespace) -> None:
    """Run the command."""
    here = project.current()
    here = with_code(here, given.folder, mount=given.mount)
    code_settings.require(here)
    require_login(here)
    for sentence in location_service.warnings(here.root):
        console.warned(sentence)
    recovery.finish(here)  # the port may still be taken by what is to stop
    present = containers.containers(here)
    ports = [port for each in present if each.running for port in each.ports]
    if here.port not in ports:
        require_port(here)
    faults = Faults(code_locations.unreadable(here.root) | location_service.unreadable(here.root))
    layouts = [] if given.environment else build.build_each(here, faults)
    hosts.require_same_dagster(present, versions(here, layouts, given.environment))
    had_data = not present and schema.may_have_data(here)
    # Containers keep the files and folders that they started with, so new ones need new containers.
    anew = secret_files.ensure(here.secrets) or any(each.has_lost_sockets for each in present)
    anew |= not roles.ensure(here).isdisjoint(each.service for each in present)
    ensure_folder(here)
    with lease(here):
        restore.finish(here)
        if given.environment:
            releases = promoted(here, given.environment, faults)
            promotion.take_over(here, given.environment)
        else:
            releases = brought(here, layouts)
        found = interrupted.finish_all(here, faults)
        running = {each.service for each in found if each.in_compose and each.running}
        # Where the dashboard is until its container is made anew, for another port say.
        as_it_is = here.with_port(ports[0]) if ports else here
        for location, release in releases.items():
            with faults.of(location):
                if running >= {location, *NEEDED_TO_CUT_OVER} and not anew:
                    replace_code(as_it_is, location, release, given.wait)
                tags.give_compose_name(here, location, release.image_id)
        load.load(here, [each for each in layouts if each.name not in faults])
        with console.step("Starting the services", "Services are started"):
            start.start(here, faults, anew=anew)
    start.wait(here, faults, given.wait)
    start.serve(here, faults, given.wait)
    if given.mount and code_mount.SERVICE in running:
        with faults.of(code_mount.SERVICE):
            code_mount.reload(here, code_mount.container(here))
    if had_data:
        schema.report(here)
    smoke_test.run_once(here, faults)
    start.require_shown(here, faults)
    with lease(here):
        old_images.remove(here)
    garbage.collect(here)
    console.out.print(here.url)
    faults.tell("All else is up")


def with_code(here: project.Project, folder: Path | None, *, mount: bool) -> project.Project:
    """Return the project with the code of a folder, if that is to be mounted."""
    if mount:
        return code_mount.mounted(here, folder or here.root / "pipes")
    if folder:
        raise UserError(f"`up` takes no folder: to serve its code, `./dagnix up --mount {folder}`.")
    return here


def promoted(here: project.Project, environment: str, faults: Faults) -> dict[str, history.Release]:
    """Return the image of each code location that another environment serves."""
    found = {}
    for location in code_locations.names(here.root):
        with faults.of(location):
            found[location] = promotion.code(here, environment, location)
    return found


def brought(
    here: project.Project, layouts: list[images_layout.Layout]
) -> dict[str, history.Release]:
    """Give podman the image of each code location, and return them."""
    return {
        layout.name: history.Release(
            "up", load.ensure(here, layout), history.of_checkout(here, layout.name)
        )
        for layout in layouts
        if layout.name in code_locations.names(here.root)
    }


def versions(
    here: project.Project, layouts: list[images_layout.Layout], environment: str | None
) -> dict[str, str]:
    """Return the versions that the images, which are to run, have on their labels, by service."""
    if not environment:
        return {each.name: each.version for each in layouts}
    found = promotion.host_images(here, environment)
    return {service: inspection.labelled(here, image_id) for service, image_id in found.items()}


def replace_code(
    here: project.Project, location: str, release: history.Release, wait: float
) -> None:
    """Deploy other code than is served now beside it, so that no run is lost."""
    serving = code_containers.in_compose(containers.everything(here), location)
    if serving is None or not serving.running:
        return  # it has ended since, with its runs if it had any, and is started like the others
    if (serving.image_id, serving.mounted) != (release.image_id, code_mount.folder(here, location)):
        terms = Terms(wait)
        deploy.deploy(here, location, release, terms)


def require_login(here: project.Project) -> None:
    """Raise UserError if others than this host would reach a dashboard without a login."""
    if not here.bind.is_loopback and not gate_files.has_login(here):
        raise UserError(
            f"DAGNIX_BIND={here.bind} publishes the dashboard beyond this host, where whoever "
            "reaches it runs code: first set up a login, `./dagnix auth add USER --role admin`."
        )
    if not here.bind.is_loopback and not here.has_tls:
        console.warned(
            "Passwords go to the dashboard unencrypted: set DAGNIX_TLS, or have a proxy with TLS "
            "in front of it"
        )


def require_port(here: project.Project) -> None:
    """Raise UserError if another program listens on the dashboard's port."""
    if not is_port_free(here.port, str(here.bind)):
        raise UserError(
            f"Port {here.port} of {here.bind} is in use: choose another with "
            f"`DAGNIX_PORT={here.port + 1} ./dagnix up`, or stop what listens there."
        )
