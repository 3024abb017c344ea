"""`./dagnix up`."""

from pathlib import Path
from typing import Annotated

import typer

from dagnix import (
    UserError,
    code,
    code_settings,
    console,
    cut_off,
    example,
    gate_files,
    images,
    locations,
    project,
    secret_files,
    stack,
)
from dagnix.backups import restore
from dagnix.backups.folder import ensure_folder
from dagnix.deploy import generations, history, names, promotion, rollout, switch
from dagnix.deploy.drain import Afterwards
from dagnix.deploy.turns import turn
from dagnix.doctor.surroundings import is_port_free
from dagnix.locations import roles, service, start
from dagnix.locations.faults import Faults
from dagnix.upgrade import hosts, look, schema

# With these the stack can switch a code location over.
SWITCHED = {"daemon", "webserver"}


def command(
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="[DIR]", help="With --mount: the Dagster project; default ./pipes."),
    ] = None,
    mount: Annotated[
        bool, typer.Option("--mount", help="Serve the code from DIR, not from the image.")
    ] = False,
    environment: rollout.Images = None,
    wait: Annotated[
        float, typer.Option(min=1, help="Seconds that each service may take to become healthy.")
    ] = 120,
    locked: Annotated[  # noqa: ARG001 - the launcher's fetch has heeded it already
        bool,
        typer.Option("--locked", help="Refuse to replace a locked file that no mirror has."),
    ] = False,
) -> None:
    """Build and load the images, start the stack, wait until it is healthy, run the example once.

    What is there already is left as it is. DAGNIX_PORT changes the dashboard's port, COMPOSE_FILE
    adds compose files, COMPOSE_PROJECT_NAME names a second instance.

    What a deploy has left that was cut off is finished first, and in the end each code location is
    served by the container that this has started.

    A code location that cannot be built or started keeps no other service from coming up: it is
    named in the end, and the exit code is 1.

    Another Dagster than the one that runs is ./dagnix upgrade's, and refused here.

    With --mount an edit in DIR is live after `./dagnix reload`, without a build.
    """
    here = project.current()
    here = with_code(here, folder, mount=mount)
    code_settings.require(here)
    require_login(here)
    cut_off.finish(here)  # the port may still be taken by what is to stop
    present = stack.containers(here)
    ports = [port for each in present if each.running for port in each.ports]
    if here.port not in ports:
        require_port(here)
    faults = Faults(locations.unreadable(here.root) | service.unreadable(here.root))
    layouts = [] if environment else images.build_each(here, faults)
    hosts.require_same_dagster(present, versions(here, layouts, environment))
    had_data = not present and schema.may_have_data(here)
    # Containers keep the files and folders that they started with, so new ones need new containers.
    anew = secret_files.ensure(here.secrets) or any(each.has_lost_sockets for each in present)
    anew |= not roles.ensure(here).isdisjoint(each.service for each in present)
    ensure_folder(here)
    with turn(here):
        restore.finish(here)
        if environment:
            releases = promoted(here, environment, faults)
            promotion.take_over(here, environment)
        else:
            releases = brought(here, layouts)
        settled = switch.settle_all(here, faults)
        running = {each.service for each in settled if each.in_compose and each.running}
        # Where the dashboard is until its container is made anew, for another port say.
        as_it_is = here.with_port(ports[0]) if ports else here
        for location, release in releases.items():
            with faults.of(location):
                if running >= {location, *SWITCHED} and not anew:
                    replace_code(as_it_is, location, release, wait)
                names.make_current(here, location, release.image_id)
        images.load(here, [each for each in layouts if each.name not in faults])
        with console.step("Starting the services", "Services are started"):
            start.start(here, faults, anew=anew)
    start.wait(here, faults, wait)
    start.serve(here, faults, wait)
    if mount and code.SERVICE in running:
        with faults.of(code.SERVICE):
            code.reload(here, code.container(here))
    if had_data:
        schema.report(here)
    example.run_once(here, faults)
    start.require_followed(here, faults)
    console.out.print(here.url)
    faults.tell("All else is up")


def with_code(here: project.Project, folder: Path | None, *, mount: bool) -> project.Project:
    """Return the project with the code of a folder, if that is to be mounted."""
    if mount:
        return code.mounted(here, folder or here.root / "pipes")
    if folder:
        raise UserError(f"`up` takes no folder: to serve its code, `./dagnix up --mount {folder}`.")
    return here


def promoted(here: project.Project, environment: str, faults: Faults) -> dict[str, history.Release]:
    """Return the image of each code location that another environment serves."""
    found = {}
    for location in locations.names(here.root):
        with faults.of(location):
            found[location] = promotion.code(here, environment, location)
    return found


def brought(here: project.Project, layouts: list[images.Layout]) -> dict[str, history.Release]:
    """Give podman the image of each code location, and return them."""
    return {
        layout.name: history.Release(
            "up", images.bring(here, layout), history.of_checkout(here, layout.name)
        )
        for layout in layouts
        if layout.name in locations.names(here.root)
    }


def versions(
    here: project.Project, layouts: list[images.Layout], environment: str | None
) -> dict[str, str]:
    """Return the versions that the images, which are to run, have on their labels, by service."""
    if not environment:
        return {each.name: each.version for each in layouts}
    found = promotion.host_images(here, environment)
    return {service: look.labelled(here, image_id) for service, image_id in found.items()}


def replace_code(
    here: project.Project, location: str, release: history.Release, wait: float
) -> None:
    """Deploy other code than is served now beside it, so that no run is lost."""
    serving = generations.current(stack.everything(here), location)
    if serving is None or not serving.running:
        return  # it has ended since, with its runs if it had any, and is started like the others
    if (serving.image_id, serving.mounted) != (release.image_id, code.folder(here, location)):
        terms = rollout.Terms(wait, rollout.LIMIT_MINUTES, Afterwards.KEEP)
        rollout.deploy(here, location, release, terms)


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
