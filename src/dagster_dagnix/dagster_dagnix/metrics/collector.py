"""All metrics, and how it went to collect them."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator
from threading import Lock

from dagster._core.workspace.context import WorkspaceProcessContext
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector as Base

from dagster_dagnix.metrics import automation, services
from dagster_dagnix.metrics.roster import Roster
from dagster_dagnix.metrics.runs import ActiveRuns, CompletedRuns

LOG = logging.getLogger(__name__)


class Collector(Base):
    """Collects everything anew whenever it is asked.

    The metrics that dagster-prometheus-exporter has have its names, labels and meanings.
    """

    def __init__(self, context: WorkspaceProcessContext) -> None:
        """Read the instance and the workspace of `context`."""
        self._context = context
        self._lock = Lock()  # two may ask at the same time
        self._errors: Counter[str] = Counter()
        active, completed = ActiveRuns(), CompletedRuns()
        self._parts: dict[str, Callable[[Roster], Iterator[Metric]]] = {
            "active_runs": active.collect,
            "completed_runs": completed.collect,
            "code_location_status": automation.locations,
            "schedules_and_sensors": automation.ticks,
            "daemon_health": services.daemons,
            "op_pool_concurrency": services.pools,
            "database": services.database,
            "disks": services.disks,
            "deploys": services.deploys,
        }

    def describe(self) -> list[Metric]:
        """Return nothing, so that nothing is collected when it is registered."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield all metrics; a part that fails is left out, and logged."""
        with self._lock:
            seconds, well = _about(
                GaugeMetricFamily,
                ("scrape_duration_seconds", "Seconds that the last collection took"),
                ("last_scrape_success", "Whether the last collection succeeded"),
            )
            (errors,) = _about(CounterMetricFamily, ("scrape_errors", "Collections that failed"))
            roster = Roster(self._context)
            for name, part in self._parts.items():
                start = time.monotonic()
                try:
                    yield from list(part(roster))
                    success = 1
                except Exception:
                    LOG.exception("The metrics of %s cannot be collected", name)
                    self._errors[name] += 1
                    success = 0
                seconds.add_metric([name], time.monotonic() - start)
                well.add_metric([name], success)
                errors.add_metric([name], self._errors[name])
            yield from (seconds, well, errors)


def _about(family: type, *names: tuple[str, str]) -> list:
    return [family(f"dagster_exporter_{name}", text, labels=["collector"]) for name, text in names]
