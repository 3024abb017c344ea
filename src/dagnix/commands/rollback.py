"""`./dagnix rollback`."""

from dagnix import UserError, locations, project
from dagnix.deploy import history, rollout
from dagnix.deploy.drain import Afterwards
from dagnix.deploy.turns import turn


def command(
    location: rollout.Location = locations.FIRST,
    *,
    wait: rollout.Wait = rollout.WAIT_SECONDS,
    limit: rollout.Limit = rollout.LIMIT_MINUTES,
    afterwards: rollout.After = Afterwards.KEEP,
) -> None:
    """Deploy the image again that was served before the present one.

    Done twice, it goes two deploys back. ./dagnix history lists what was deployed.
    """
    here = project.current()
    rollout.require(here, location)
    with turn(here):
        entry = history.before(history.of(here, location))
        if entry is None:
            raise UserError("Nothing was deployed before what is served now (./dagnix history).")
        release = history.Release(history.ROLLBACK, entry.image, (entry.revision, entry.dirty))
        rollout.deploy(here, location, release, rollout.Terms(wait, limit, afterwards))
