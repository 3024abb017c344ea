"""Send the images to a registry, from the Nix store, and print each with its digest.

It builds them first if needed. Only layers that the registry lacks are sent. `podman login HOST`
logs in to a registry that asks for it.
"""

import argparse

from dagnix import code_locations, console, project
from dagnix.faults import Faults
from dagnix.images import build
from dagnix.images.push import Registry, push


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what it takes."""
    parser.add_argument(
        "registry",
        metavar="REGISTRY",
        help="the registry, and the folder in it: registry.example.org/team",
    )
    parser.add_argument("names", nargs="*", help="the images; all without it")


def run(given: argparse.Namespace) -> None:
    """Run the command."""
    registry = Registry(given.registry)
    here = project.current()
    build.require(here, given.names)
    faults = Faults() if given.names else Faults(code_locations.unreadable(here.root))
    layouts = build.build(here, given.names) if given.names else build.build_each(here, faults)
    for name in push(here, layouts, registry):
        console.out.print(name, markup=False, soft_wrap=True)
    faults.tell("All else is in the registry")
