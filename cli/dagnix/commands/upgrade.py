"""`./dagnix upgrade`."""

from typing import Annotated

import typer

from dagnix import console, locations, losses, project
from dagnix.deploy import old_images, rollout
from dagnix.deploy.drain import Afterwards
from dagnix.deploy.turns import turn
from dagnix.locations import service
from dagnix.locations.faults import Faults
from dagnix.upgrade import check, present, steps, wanted
from dagnix.upgrade import plan as plans


def command(  # noqa: PLR0913, PLR0917 - the options of a deploy, and its own
    environment: rollout.Images = None,
    no_backup: Annotated[
        bool,
        typer.Option("--no-backup", help="Make no backup of the database: you have one."),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask when runs may be lost.")] = False,
    wait: rollout.Wait = rollout.WAIT_SECONDS,
    limit: rollout.Limit = rollout.LIMIT_MINUTES,
    afterwards: rollout.After = Afterwards.KEEP,
) -> None:
    """Replace the images that run by those of the working tree, with another Dagster too.

    It says first what will happen, and refuses what does not fit together. The database is backed
    up and migrated, then one service after the other replaced and waited for; one that does not
    become healthy gets its old image again. A code location whose new code cannot be built, or does
    not load, goes on with the code that is served: it is named in the end, and the exit code is 1.
    No run is lost, unless Postgres itself is replaced:
    then it asks. Cut off at any step, a second ./dagnix upgrade goes on.
    """
    here = project.current()
    faults = Faults(locations.unreadable(here.root) | service.unreadable(here.root))
    terms = rollout.Terms(wait, limit, afterwards)
    with turn(here):
        here = present.ready(here, faults)
        if environment:
            chosen = wanted.of_environment(here, environment, faults)
        else:
            chosen = wanted.of_tree(here, faults)
        plan = plans.make(here, chosen.images, chosen.releases)
        if not plan.needed and not plan.migrates:
            version = plan.changes["webserver"].after
            faults.tell(f"All else runs these images, with Dagster {version}")
            console.out.print(f"Nothing to do: these images run, with Dagster {version}.")
            return
        plans.show(plan, wanted.code_that_stays(here, chosen), faults)
        plans.require_fit(here, plan, faults)
        safe = steps.require_backup(here, plan, no_backup=no_backup)
        for location, release in chosen.releases.items():
            if plan.changes[location].needed:
                with faults.of(location):
                    check.require_loads(here, location, release.image_id)
        if faults:
            plan = plan.without(faults)
            plans.require_fit(here, plan, faults)
        if not plan.needed and not plan.migrates:
            faults.tell("All else runs these images")
        if plan.replaces_database:
            losses.confirm(here, plans.DATABASE, "Replace", yes=yes)
        steps.carry_out(here, plan, chosen, terms, faults, safe=safe)
        old_images.remove(here)
    faults.tell("All else is upgraded")
