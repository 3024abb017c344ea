"""The queue, the runs in flight and the last failure, as the webserver tells them."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from dagnix import UserError
from dagnix.project import Project
from dagnix.stack import dashboard

SHOWN = 10  # runs in flight, the newest; the others are only counted
FIELDS = "runId jobName startTime endTime creationTime repositoryOrigin { repositoryLocationName }"
QUERY = f"""
{{
  queued: runsOrError(filter: {{statuses: [QUEUED]}}) {{ ... on Runs {{ count }} }}
  flying: runsOrError(filter: {{statuses: [STARTING, STARTED, CANCELING]}}) {{
    ... on Runs {{ count }} }}
  newest: runsOrError(filter: {{statuses: [STARTING, STARTED, CANCELING]}}, limit: {SHOWN}) {{
    ... on Runs {{ results {{ {FIELDS} }} }} }}
  failed: runsOrError(filter: {{statuses: [FAILURE]}}, limit: 1) {{
    ... on Runs {{ results {{ {FIELDS} }} }} }}
}}
"""


@dataclass(frozen=True)
class Run:
    """A run; `since` is when it started, or ended if it has: ISO 8601, "" if it has not begun."""

    run: str
    job: str
    location: str
    since: str


@dataclass(frozen=True)
class Runs:
    """What there is of runs; `newest` are of those in flight."""

    queued: int
    in_flight: int
    newest: tuple[Run, ...]
    last_failure: Run | None


def ask(here: Project) -> Runs | None:
    """Return the runs; None if the webserver does not answer."""
    try:
        said = dashboard.ask(here, QUERY)
    except UserError:
        return None
    failed = [_run(each) for each in said["failed"]["results"]]
    return Runs(
        queued=said["queued"]["count"],
        in_flight=said["flying"]["count"],
        newest=tuple(_run(each) for each in said["newest"]["results"]),
        last_failure=failed[0] if failed else None,
    )


def moment(seconds: float) -> str:
    """Write seconds since 1970 as ISO 8601."""
    return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat(timespec="seconds")


def _run(told: dict[str, Any]) -> Run:
    seconds = told["endTime"] or told["startTime"]
    since = moment(seconds) if seconds else ""
    location = (told["repositoryOrigin"] or {}).get("repositoryLocationName", "")
    return Run(told["runId"], told["jobName"], location, since)
