"""`./dagnix build`."""

from typing import Annotated

import typer

from dagnix import UserError, console, images, project


def command(
    names: Annotated[
        list[str] | None, typer.Argument(help=f"Of {', '.join(images.NAMES)}; all without it.")
    ] = None,
) -> None:
    """Build the images with Nix, and print where each is: an OCI layout in the Nix store."""
    for name in names or ():
        if name not in images.NAMES:
            raise UserError(f"There is no image {name}: it is one of {', '.join(images.NAMES)}.")
    layouts = images.build(project.current(), tuple(names or images.NAMES))
    for layout in layouts:
        console.out.print(layout.folder, soft_wrap=True)
