"""When a stack is of use: asked of its webserver, so that it means the same for every stack."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from dagnix import UserError, dashboard
from dagnix.project import Project

SECONDS = 180
SERVICES_ASKED = 3
PAUSE_SECONDS = 0.2
STATE = """
{ workspaceOrError { ... on Workspace { locationEntries {
    locationOrLoadError { __typename }
  } } }
  instance { daemonHealth { allDaemonStatuses { required healthy } } } }
"""


def wait(project: Project, locations: int, start: Callable[[], object]) -> dict[str, float]:
    """Start a stack; return after how many seconds each service was of use, and all were.

    That is for the webserver that it answers, for pipes that so many code locations are loaded, and
    for the daemon that all its daemons have said that they are well.

    Raises:
        UserError: after three minutes they are not.

    """
    began = time.monotonic()
    since: dict[str, float] = {}
    with ThreadPoolExecutor(1) as pool:
        starting = pool.submit(start)
        while len(since) < SERVICES_ASKED or not starting.done():
            passed = time.monotonic() - began
            if starting.done():
                starting.result()
            if passed > SECONDS:
                raise UserError(f"The stack {project.name} is not of use after {SECONDS} s.")
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
    entries = answer["workspaceOrError"].get("locationEntries") or []
    kinds = [(entry["locationOrLoadError"] or {}).get("__typename") for entry in entries]
    statuses = answer["instance"]["daemonHealth"]["allDaemonStatuses"]
    return {
        "webserver",
        *(["pipes"] if kinds == ["RepositoryLocation"] * locations else []),
        *(["daemon"] if all(each["healthy"] or not each["required"] for each in statuses) else []),
    }
