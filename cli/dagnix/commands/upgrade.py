"""`./dagnix upgrade`."""

from typing import Annotated

import typer

from dagnix import console, losses, project
from dagnix.deploy import rollout
from dagnix.deploy.drain import Afterwards
from dagnix.deploy.turns import turn
from dagnix.upgrade import check, present, steps, wanted
from dagnix.upgrade import plan as plans
from dagnix.upgrade.names import forget


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
    become healthy gets its old image again. No run is lost, unless Postgres itself is replaced:
    then it asks. Cut off at any step, a second ./dagnix upgrade goes on.
    """
    here = project.current()
    terms = rollout.Terms(wait, limit, afterwards)
    with turn(here), steps.ended_in_order():
        here = present.ready(here)
        chosen = wanted.of_environment(here, environment) if environment else wanted.of_tree(here)
        try:
            plan = plans.make(here, chosen.images, chosen.releases)
            if not plan.needed and not plan.migrates:
                version = plan.changes["webserver"].after
                console.out.print(f"Nothing to do: these images run, with Dagster {version}.")
                return
            plans.show(plan, wanted.code_that_stays(here, chosen))
            plans.require_fit(here, plan)
            safe = steps.require_backup(here, plan, no_backup=no_backup)
            for location, release in chosen.releases.items():
                if plan.changes[location].needed:
                    check.require_loads(here, location, release.image_id)
            if plan.replaces_database:
                losses.confirm(here, plans.DATABASE, "Replace", yes=yes)
            steps.carry_out(here, plan, chosen, terms, safe=safe)
        finally:
            forget(here, chosen.images)
