"""Replace the running images by those of the working tree, also with another Dagster.

First it shows what will happen, and refuses versions that are not compatible. Then it backs up
and migrates the database, and replaces one service after another. It waits for each, and gives it
its old image back if it does not become healthy. If the new code of a location cannot be built or
does not load, the location keeps its current code; it is named at the end, and the exit code is
1. No run is lost, unless Postgres itself is replaced: then it asks. If it is interrupted, run it
again to continue.
"""

import argparse

from dagnix import code_locations, console, project
from dagnix.alerts import notices
from dagnix.commands import options
from dagnix.deploy import old_images
from dagnix.deploy.terms import Terms
from dagnix.faults import Faults
from dagnix.images import garbage
from dagnix.locks import updates
from dagnix.stack import confirmation, location_service
from dagnix.stack.lease import lease
from dagnix.upgrade import check, current, desired, steps
from dagnix.upgrade import plan as plans


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what it takes."""
    options.images(parser)
    parser.add_argument(
        "--no-backup", action="store_true", help="make no backup of the database: you have one"
    )
    options.yes(parser, "do not ask when runs may be lost")
    options.terms(parser)


def run(given: argparse.Namespace) -> None:
    """Run the command."""
    here = project.current()
    faults = Faults(code_locations.unreadable(here.root) | location_service.unreadable(here.root))
    terms = Terms(given.wait, given.limit, given.afterwards)
    with lease(here):
        here = current.ready(here, faults)
        if given.environment:
            chosen = desired.of_environment(here, given.environment, faults)
        else:
            chosen = desired.of_tree(here, faults)
        plan = plans.make(here, chosen.images, chosen.releases)
        if not plan.needed and not plan.migrates:
            version = plan.changes["webserver"].after
            faults.tell(f"All else runs these images, with Dagster {version}")
            console.out.print(f"Nothing to do: these images run, with Dagster {version}.")
            return
        plans.show(plan, desired.code_that_stays(here, chosen), faults)
        plans.require_compatible(here, plan, faults)
        safe = steps.require_backup(here, plan, no_backup=given.no_backup)
        for location, release in chosen.releases.items():
            if plan.changes[location].needed:
                with faults.of(location):
                    check.require_loads(here, location, release.image_id)
        if faults:
            plan = plan.without(faults)
            plans.require_compatible(here, plan, faults)
        if not plan.needed and not plan.migrates:
            faults.tell("All else runs these images")
        if plan.replaces_database:
            confirmation.confirm(here, plans.DATABASE, "Replace", yes=given.yes)
        steps.carry_out(here, plan, chosen, terms, faults, safe=safe)
        old_images.remove(here)
    if found := updates.last(here.checkout, updates.DEBIAN):
        notices.of_updates(here, {each.package for each in found.updates})
    garbage.collect(here)
    faults.tell("All else is upgraded")
