"""The steps of an upgrade, once all versions are known to be compatible."""

from contextlib import ExitStack

from dagnix import UserError, console
from dagnix.alerts.channels import IMAGE as ALERTS_IMAGE
from dagnix.alerts.channels import SERVICE as ALERTS
from dagnix.backups.service import NAME as BACKUP
from dagnix.backups.take import take
from dagnix.deploy import deploy
from dagnix.deploy.terms import Terms
from dagnix.faults import Faults
from dagnix.locations import start
from dagnix.project import Project
from dagnix.stack.compose import compose, services
from dagnix.upgrade import current, migrate
from dagnix.upgrade.desired import Desired
from dagnix.upgrade.plan import DATABASE, Plan
from dagnix.upgrade.replace import replace


def require_backup(project: Project, plan: Plan, *, no_backup: bool) -> bool:
    """Tell whether a backup is to be made.

    Raises:
        UserError: one is needed, and the database is outside the stack.

    """
    if no_backup or not (plan.migrates or plan.replaces_database):
        return False
    if not current.database(project):
        raise UserError(
            "The database is outside this stack, and so is its backup: make one with your own "
            "means (pg_dump), and then run ./dagnix upgrade --no-backup. Nothing was changed."
        )
    return True


def carry_out(  # noqa: PLR0913 - an upgrade, and what is wrong
    project: Project,
    plan: Plan,
    chosen: Desired,
    terms: Terms,
    faults: Faults,
    *,
    safe: bool,
) -> None:
    """Back up if `safe`, migrate, and replace service by service.

    A code location whose new code is not served has a fault, and what it served goes on.

    Raises:
        UserError: another step failed; with what runs now.

    """
    file = take(project, files=False) if safe else None
    with ExitStack() as stack:
        if plan.migrates:
            stack.enter_context(migrate.daemon_stopped(project))
            migrate.run(project, chosen.images[migrate.SERVICE], file)
        for change in plan.needed:
            if release := chosen.releases.get(change.service):
                # The daemon is to take over the new code server.
                stack.close()
                with faults.of(change.service):
                    deploy.deploy(project, change.service, release, terms)
                if plan.goes_back:
                    # Its code is newer than webserver and daemon are to be.
                    faults.require_none(change.service)
            else:
                replace(project, change, terms.wait)
            if change.service == DATABASE:
                # Made from the same image.
                failure = "podman-compose cannot replace the service backup"
                compose(project, "up", "--detach", "--force-recreate", BACKUP, failure=failure)
                start.wait(project, faults, terms.wait)
            if change.service == ALERTS_IMAGE and ALERTS in services(project):
                # Made from the same image.
                failure = f"podman-compose cannot replace the service {ALERTS}"
                compose(project, "up", "--detach", "--force-recreate", ALERTS, failure=failure)
    start.wait(project, faults, terms.wait)
    console.out.print(f"Upgraded to Dagster {plan.changes['webserver'].after}: {project.url}")
    if file:
        console.out.print(f"The database as it was before: {file}", soft_wrap=True)
