"""`./dagnix build`."""

from typing import Annotated

import typer

from dagnix import UserError, console, images, locations, project
from dagnix.locations.faults import Faults

NAMES = "webserver, daemon, postgres, pipes or another code location"


def command(
    names: Annotated[list[str] | None, typer.Argument(help=f"{NAMES}; all without it.")] = None,
) -> None:
    """Build the images with Nix, and print where each is: an OCI layout in the Nix store."""
    here = project.current()
    known = images.names(here)
    for name in names or ():
        if name not in known:
            raise UserError(f"There is no image {name}: it is one of {', '.join(known)}.")
    faults = Faults() if names else Faults(locations.unreadable(here.root))
    layouts = images.build(here, names) if names else images.build_each(here, faults)
    for layout in layouts:
        console.out.print(layout.folder, soft_wrap=True)
    faults.tell("All else is built")
