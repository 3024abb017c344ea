"""What an upgrade changes, worked out and told before anything is changed."""

from collections.abc import Collection, Container, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from rich.table import Table

from dagnix import UserError, console
from dagnix.faults import Faults
from dagnix.images.tags import under_retained_name
from dagnix.project import Project
from dagnix.stack.containers import containers
from dagnix.versions import compatibility, inspection
from dagnix.versions.compatibility import Schema

DATABASE = "postgres"
GATE = "gate"
CODE_MEANS = "as in a deploy: runs in flight finish on the old code, no run is lost"
# The webserver and the daemon, in the order in which they are replaced: the daemon does not run
# during a migration, and runs wait in the queue for it.
HOSTS = ("daemon", "webserver")

MEANS = {
    "webserver": "replaced: the dashboard is away for some seconds",
    "daemon": "replaced: runs wait in the queue until it is back, and ticks come late",
    DATABASE: "replaced: runs in flight that cannot write for a second or so may fail",
    GATE: "replaced: the dashboard is away for a second",
}
HOLDS = {DATABASE: "PostgreSQL", GATE: "Dagnix"}  # the others hold Dagster


@dataclass(frozen=True)
class Change:
    """What becomes of one service.

    `old` and `new` are image IDs, `old` is "" if it has no container; `before` and `after` are the
    versions of what they hold: Dagster's, PostgreSQL's, or Dagnix's.
    """

    service: str
    old: str
    new: str
    before: str
    after: str

    @property
    def needed(self) -> bool:
        """Whether it is another image than the one that runs."""
        return self.old != self.new


@dataclass(frozen=True)
class Plan:
    """The changes by service, which of these are code locations, and the database's schema."""

    changes: Mapping[str, Change]
    locations: Collection[str]
    schema: Schema

    @property
    def needed(self) -> list[Change]:
        """The changes that are to be made, in their order."""
        order = [*HOSTS, *self.locations]
        if self.goes_back:
            # The code must not be newer than the webserver and the daemon, meanwhile either.
            order.reverse()
        found = (self.changes.get(service) for service in [*order, DATABASE, GATE])
        return [each for each in found if each and each.needed]

    def without(self, names: Container[str]) -> "Plan":
        """Return the plan in which these services stay as they are."""
        return replace(
            self,
            changes={
                service: replace(each, new=each.old, after=each.before)
                if service in names
                else each
                for service, each in self.changes.items()
            },
        )

    @property
    def hosts(self) -> list[Change]:
        """What becomes of the webserver and the daemon."""
        return [self.changes[service] for service in HOSTS]

    @property
    def goes_back(self) -> bool:
        """Whether it leads to an older Dagster."""
        return any(
            each.old and compatibility.is_newer(each.before, each.after) for each in self.hosts
        )

    @property
    def migrates(self) -> bool:
        """Whether `dagster instance migrate` is to run: a newer one may move data, too."""
        newer = any(each.before != each.after for each in self.hosts) and not self.goes_back
        return self.schema.behind or newer

    @property
    def replaces_database(self) -> bool:
        """Whether Postgres is replaced."""
        return DATABASE in self.changes and self.changes[DATABASE].needed


def make(project: Project, desired: Mapping[str, str], locations: Collection[str]) -> Plan:
    """Compare the images that are to run, by service, with those that do.

    `locations` are the services that are code locations.

    Raises:
        UserError: the images or the database cannot be asked.

    """
    present = {each.service: each.image_id for each in containers(project)}
    services = [each for each in desired if each != DATABASE or each in present]
    with console.step("Comparing with what runs", "Compared with what runs"):
        named = under_retained_name(project, "webserver", desired["webserver"])
        with ThreadPoolExecutor() as pool:
            schema = pool.submit(inspection.schema, named)
            asked = {
                image_id
                for name in locations
                for image_id in (present.get(name, ""), desired[name])
                if image_id
            }
            versions = dict(
                zip(asked, pool.map(lambda it: inspection.dagster(project, it), asked), strict=True)
            )
        versions |= {
            image_id: inspection.labelled(project, image_id)
            for service in services
            if service not in locations
            for image_id in {present.get(service, ""), desired[service]} - {""}
        }
        changes = {
            service: Change(
                service,
                old := present.get(service, ""),
                desired[service],
                versions.get(old, ""),
                versions[desired[service]],
            )
            for service in services
        }
        return Plan(changes, locations, schema.result())


def require_compatible(project: Project, plan: Plan, faults: Faults) -> None:
    """Require that all versions of a plan are compatible. Raises UserError for those that do not.

    It tells the code locations' faults, too: one may be why a service has to stay as it is.
    """
    try:
        _require_compatible(project, plan)
    except UserError as error:
        raise UserError("\n".join([str(error), *faults.told])) from error


def _require_compatible(project: Project, plan: Plan) -> None:
    target = plan.changes["webserver"].after
    compatibility.require_same_major((each.before for each in plan.hosts if each.before), target)
    compatibility.require_known(plan.schema, target)
    compatibility.require_not_newer(
        {name: plan.changes[name].after for name in plan.locations},
        {each.service: each.after for each in plan.hosts},
    )
    if plan.replaces_database:
        (name,) = (each.name for each in containers(project) if each.service == DATABASE)
        compatibility.require_same_postgres(
            inspection.data_major(project, name), plan.changes[DATABASE].after
        )


def show(plan: Plan, kept: Collection[str], faults: Faults) -> None:
    """Tell what becomes of each service; the code of those in `kept` came from elsewhere."""
    table = Table(box=None, pad_edge=False)
    for title in ("SERVICE", "NOW", "THEN", "WHAT HAPPENS"):
        table.add_column(title)
    for each in plan.changes.values():
        name = HOLDS.get(each.service, "Dagster")
        means = MEANS.get(each.service, CODE_MEANS) if each.needed else "stays"
        if each.service in kept:
            means = "stays: it was deployed from elsewhere, as the next one is (./dagnix deploy)"
        if each.service in faults:
            means = "stays: its new code cannot be had (see the end)"
        now = f"{name} {each.before}" if each.before else "has no container"
        table.add_row(each.service, now, f"{name} {each.after}", means)
    if plan.migrates:
        old, new = (", ".join(sorted(s)) for s in (plan.schema.database, plan.schema.newest))
        means = "backed up, then migrated by Dagster's own `dagster instance migrate`"
        table.add_row("database", f"schema {old}", f"schema {new}", means)
    console.out.print(table)
