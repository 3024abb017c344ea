"""Build the images, and print where each is: an OCI layout in the Nix store."""

import argparse

from dagnix import UserError, code_locations, console, project
from dagnix.faults import Faults
from dagnix.images import build

NAMES = "webserver, daemon, postgres, pipes or another code location"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what it takes."""
    parser.add_argument("names", nargs="*", help=f"{NAMES}; all without it")


def run(given: argparse.Namespace) -> None:
    """Run the command."""
    here = project.current()
    known = build.names(here)
    for name in given.names or ():
        if name not in known:
            raise UserError(f"There is no image {name}: it is one of {', '.join(known)}.")
    faults = Faults() if given.names else Faults(code_locations.unreadable(here.root))
    layouts = build.build(here, given.names) if given.names else build.build_each(here, faults)
    for layout in layouts:
        console.out.print(layout.folder, soft_wrap=True)
    faults.tell("All else is built")
