"""Make the edited code of a mounted folder live, with its settings.

Without this command, a saved edit is live within a second, unless DAGNIX_WATCH=0. If the code does
not load, the error is shown and the current code stays live. Runs in flight finish on the code that
they started with. `./dagnix up --mount` mounts a folder.
"""

import argparse

from dagnix import console, project
from dagnix.code import mount
from dagnix.code import settings as code_settings


def arguments(_: argparse.ArgumentParser) -> None:
    """Declare what it takes."""


def run(_: argparse.Namespace) -> None:
    """Run the command."""
    here = project.current()
    code_settings.require(here)
    with console.step("Loading the code") as step:
        step.done = f"Live: {mount.reload(here, mount.container(here))}"
