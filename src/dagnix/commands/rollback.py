"""Go back to the image that was live before.

If you repeat it, it goes back one more deploy. ./dagnix history lists the deploys.
"""

import argparse

from dagnix import UserError, code_locations, project
from dagnix.commands import options
from dagnix.deploy import deploy, history
from dagnix.deploy.terms import Terms
from dagnix.stack.lease import lease


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what it takes."""
    options.location(parser)
    options.terms(parser)


def run(given: argparse.Namespace) -> None:
    """Run the command."""
    here = project.current()
    code_locations.require(here.root, given.location)
    with lease(here):
        entry = history.before(history.of(here, given.location))
        if entry is None:
            raise UserError("Nothing was deployed before what is served now (./dagnix history).")
        release = history.Release(history.ROLLBACK, entry.image, (entry.revision, entry.dirty))
        deploy.deploy(
            here, given.location, release, Terms(given.wait, given.limit, given.afterwards)
        )
