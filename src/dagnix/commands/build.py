"""Build the images, and print where each is: an OCI layout in the Nix store."""

import argparse

from dagnix import code_locations, console, project
from dagnix.faults import Faults
from dagnix.images import build, garbage

NAMES = "webserver, daemon, postgres, pipes or another code location"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what it takes."""
    parser.add_argument("names", nargs="*", help=f"{NAMES}; all without it")


def run(given: argparse.Namespace) -> None:
    """Run the command."""
    here = project.current()
    build.require(here, given.names)
    faults = Faults() if given.names else Faults(code_locations.unreadable(here.root))
    layouts = build.build(here, given.names) if given.names else build.build_each(here, faults)
    for layout in layouts:
        console.out.print(layout.folder, soft_wrap=True)
    garbage.collect(here)
    faults.tell("All else is built")
