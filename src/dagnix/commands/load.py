"""Load the images into podman, and build them first if needed."""

import argparse

from dagnix import code_locations, project
from dagnix.faults import Faults
from dagnix.images import build, load
from dagnix.stack.lease import lease


def arguments(_: argparse.ArgumentParser) -> None:
    """Declare what it takes."""


def run(_: argparse.Namespace) -> None:
    """Run the command."""
    here = project.current()
    faults = Faults(code_locations.unreadable(here.root))
    layouts = build.build_each(here, faults)
    with lease(here):
        load.load(here, layouts)
    faults.tell("All else is loaded")
