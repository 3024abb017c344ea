"""`./dagnix up`."""

from pathlib import Path
from typing import Annotated

import typer

from dagnix import (
    UserError,
    code,
    console,
    example,
    health,
    images,
    project,
    secret_files,
    stack,
)
from dagnix.doctor.surroundings import is_port_free


def command(
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="[DIR]", help="With --mount: the Dagster project; default ./pipes."),
    ] = None,
    mount: Annotated[
        bool, typer.Option("--mount", help="Serve the code from DIR, not from the image.")
    ] = False,
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

    With --mount an edit in DIR is live after `./dagnix reload`, without a build.
    """
    here = project.current()
    if mount:
        here = code.mounted(here, folder or here.root / "pipes")
    elif folder:
        raise UserError(f"`up` takes no folder: to serve its code, `./dagnix up --mount {folder}`.")
    present = stack.containers(here)
    if not any(each.running and each.publishes(here.port) for each in present):
        require_port(here)
    images.load(here, images.build(here))
    # Containers keep the files that they started with, so new passwords need new containers.
    new_secrets = secret_files.ensure(here.secrets)
    with console.step("Starting the services", "Services are started"):
        stack.start(here, present, anew=new_secrets)
    if mount:
        code.require(here)
    health.wait(here, wait)
    example.run_once(here)
    console.out.print(here.url)


def require_port(here: project.Project) -> None:
    """Raise UserError if another program listens on the dashboard's port."""
    if not is_port_free(here.port):
        raise UserError(
            f"Port {here.port} of 127.0.0.1 is in use: choose another with "
            f"`DAGNIX_PORT={here.port + 1} ./dagnix up`, or stop what listens there."
        )
