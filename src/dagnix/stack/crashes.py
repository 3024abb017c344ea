"""Containers that end and are started again, again and again: each is well for a moment."""

import datetime as dt
import json
from collections.abc import Iterable
from itertools import pairwise

from dagnix.host.podman import podman
from dagnix.project import Project
from dagnix.stack.containers import Container, moment, shown
from dagnix.stack.health import Health

SOME = 3  # ends that are no accident any more
QUIET = dt.timedelta(minutes=10)  # without an end, after which the one before is past
CALM_SECONDS = 60  # at least, until what was mended is taken for well
LOOK_BACK = "24h"


def judge(project: Project, container: Container, asked: Health) -> Health:
    """Return what a container's health check says, unless it ends again and again: then that."""
    # Podman counts those that it has started again by itself.
    if (
        not container.running
        or container.restarts < SOME
        or container.uptime > QUIET.total_seconds()
    ):
        return asked
    ends = series(_ends(project, container), dt.datetime.now(dt.UTC))
    if len(ends) < SOME or is_past(ends, container.uptime):
        return asked
    says = f"has ended {len(ends)} times since {shown(ends[0])}, the last time at {shown(ends[-1])}"
    return Health(healthy=False, says=f"{says}: {asked.says}")


def series(ends: Iterable[dt.datetime], now: dt.datetime) -> list[dt.datetime]:
    """Return the ends, oldest first, that came after one another without a pause until now."""
    found: list[dt.datetime] = []
    after = now
    for end in sorted(ends, reverse=True):
        if after - end > QUIET:
            break
        found.insert(0, end)
        after = end
    return found


def is_past(ends: Iterable[dt.datetime], uptime: float) -> bool:
    """Tell whether a container has worked for longer, in seconds, than between any two ends."""
    longest = max(((after - before).total_seconds() for before, after in pairwise(ends)), default=0)
    return uptime > max(CALM_SECONDS, 2 * longest)


def _ends(project: Project, container: Container) -> list[dt.datetime]:
    """Return when the container has ended, as far as podman has kept that."""
    filters = ["--filter", f"container={container.identifier}", "--filter", "event=died"]
    words = ["events", "--stream=false", "--since", LOOK_BACK, *filters, "--format", "json"]
    told = podman(project, *words, failure="", check=False)  # a host may keep none
    return [_when(json.loads(line)) for line in told.output.splitlines() if line.startswith("{")]


def _when(event: dict[str, object]) -> dt.datetime:
    """Return an event's moment: text in podman 4, a number since 5."""
    if "timeNano" in event:
        return dt.datetime.fromtimestamp(int(str(event["timeNano"])) / 1e9, dt.UTC)
    return moment(str(event["Time"]))
