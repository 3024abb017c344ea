"""`./dagnix rollback`."""

from dagnix import UserError, project
from dagnix.deploy import history, rollout
from dagnix.deploy.drain import Afterwards
from dagnix.deploy.turns import turn


def command(
    wait: rollout.Wait = rollout.WAIT_SECONDS,
    limit: rollout.Limit = rollout.LIMIT_MINUTES,
    afterwards: rollout.After = Afterwards.KEEP,
) -> None:
    """Deploy the image again that was served before the present one.

    Done twice, it goes two deploys back. ./dagnix history lists what was deployed.
    """
    here = project.current()
    with turn(here):
        entry = history.before(history.of(here))
        if entry is None:
            raise UserError("Nothing was deployed before what is served now (./dagnix history).")
        origin = (entry.revision, entry.dirty)
        terms = rollout.Terms(wait, limit, afterwards)
        rollout.deploy(here, history.ROLLBACK, entry.image, origin, terms)
