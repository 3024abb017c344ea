"""`./dagnix upgrade`."""

from typing import Annotated

import typer

from dagnix import console, losses, project
from dagnix.deploy import names, rollout, switch
from dagnix.deploy.drain import Afterwards
from dagnix.deploy.turns import turn
from dagnix.upgrade import plan as plans
from dagnix.upgrade import present, steps, wanted
from dagnix.upgrade.names import forget


def command(  # noqa: PLR0913, PLR0917 - the options of a deploy, and its own
    environment: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="ENV", help="Build nothing: take this environment's images."
        ),
    ] = None,
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
            plan = plans.make(here, chosen.images)
            if not plan.needed and not plan.migrates:
                version = plan.changes["webserver"].after
                console.out.print(f"Nothing to do: these images run, with Dagster {version}.")
                return
            plans.show(plan, keeps_code=wanted.code_stays(here, chosen))
            plans.require_fit(here, plan)
            safe = steps.require_backup(here, plan, no_backup=no_backup)
            if plan.changes[plans.CODE].needed:
                image_id = chosen.images[plans.CODE]
                names.keep(here, image_id)
                with console.step("Loading the code with its new image", "The code loads"):
                    switch.check(here, image_id)
            if plan.replaces_database:
                losses.confirm(here, plans.DATABASE, "Replace", yes=yes)
            steps.carry_out(here, plan, chosen, terms, safe=safe)
        finally:
            forget(here, chosen.images)
