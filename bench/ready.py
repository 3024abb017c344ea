"""When a stack is of use: asked of its webserver, so that it means the same for every stack."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from dagnix import UserError
from dagnix.project import Project
from dagnix.stack import dashboard

SECONDS = 180
SERVICES = {"webserver", "pipes", "daemon"}
PAUSE_SECONDS = 0.2
STATE = """
{ workspaceOrError { ... on Workspace { locationEntries {
    name locationOrLoadError { __typename ... on PythonError { message } }
  } } }
  instance { daemonHealth { allDaemonStatuses {
    daemonType required healthy lastHeartbeatErrors { message }
  } } } }
"""


def wait(project: Project, locations: int, start: Callable[[], object]) -> dict[str, float]:
    """Start a stack; return after how many seconds each service was of use, and all were.

    That is for the webserver that it answers, for pipes that so many code locations are loaded, and
    for the daemon that all its daemons have said that they are well.

    Raises:
        UserError: after three minutes they are not; with what Dagster says of it.

    """
    began = time.monotonic()
    since: dict[str, float] = {}
    with ThreadPoolExecutor(1) as pool:
        starting = pool.submit(start)
        while since.keys() != SERVICES or not starting.done():
            passed = time.monotonic() - began
            if starting.done():
                starting.result()
            if passed > SECONDS:
                missing = ", ".join(sorted(SERVICES - since.keys())) or "podman-compose"
                raise UserError(
                    f"The stack {project.name} is not of use after {SECONDS} s: {missing}. Dagster "
                    f"says: {_says(project)}"
                )
            for service in _of_use(project, locations):
                since.setdefault(service, passed)
            time.sleep(PAUSE_SECONDS)
        starting.result()
    return {**since, "all": time.monotonic() - began}


def _of_use(project: Project, locations: int) -> set[str]:
    try:
        answer = dashboard.ask(project, STATE)
    except UserError:
        return set()
    kinds = [(each["locationOrLoadError"] or {}).get("__typename") for each in _entries(answer)]
    return {
        "webserver",
        *(["pipes"] if kinds == ["RepositoryLocation"] * locations else []),
        *(["daemon"] if not _sick(answer) else []),
    }


def _says(project: Project) -> str:
    try:
        answer = dashboard.ask(project, STATE)
    except UserError as error:
        return str(error)
    # On one line, as the first is what the figures say.
    return " ".join(f"{[*_entries(answer), *_sick(answer)]}".split())


def _entries(answer: dict[str, Any]) -> list[dict[str, Any]]:
    return answer["workspaceOrError"].get("locationEntries") or []


def _sick(answer: dict[str, Any]) -> list[dict[str, Any]]:
    statuses = answer["instance"]["daemonHealth"]["allDaemonStatuses"]
    return [each for each in statuses if each["required"] and not each["healthy"]]
