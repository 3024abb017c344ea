"""`./dagnix bench`."""

from enum import StrEnum
from typing import Annotated

import typer

from dagnix import console, project
from dagnix.bench import builds, code, figure, sizes, start


class Group(StrEnum):
    """What may be measured alone."""

    SIZES = "sizes"
    BUILD = "build"
    START = "start"
    CODE = "code"


MEASURED = {
    Group.SIZES: sizes.figures,
    Group.BUILD: builds.figures,
    Group.START: start.figures,
    Group.CODE: code.figures,
}


def command(
    group: Annotated[
        Group | None, typer.Argument(help="Measure these alone.", show_default=False)
    ] = None,
) -> None:
    """Print speed and size figures beside their goals; takes some minutes.

    What an edit of one line of code costs is measured beside the same with a Containerfile and
    `podman build`.

    The working tree and the stack that runs are left alone: the code of a copy is edited, and a
    second stack, named …-bench, is started and removed. The cold build uses a Nix store of its own
    in .dagnix, about 2 GiB, which is removed afterwards.
    """
    here = project.current()
    figures = [each for name in ([group] if group else Group) for each in MEASURED[name](here)]
    console.out.print(figure.table(figures))
