"""The webserver, asked through GraphQL."""

import json
import ssl
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

from dagnix import UserError
from dagnix.access import accounts
from dagnix.project import Project

ANSWER_SECONDS = 30
IN_FLIGHT = """
{ runsOrError(filter: {statuses: [STARTING, STARTED, CANCELING]}) {
    ... on Runs { results { runId } }
} }
"""

QUEUED = """
{ runsOrError(filter: {statuses: [QUEUED]}) {
    ... on Runs { results { runId repositoryOrigin { repositoryLocationName } } }
} }
"""
LOCATIONS = """
{ workspaceOrError { ... on Workspace { locationEntries {
    name locationOrLoadError { __typename ... on RepositoryLocation { serverId } }
} } } }
"""
RELOAD = "mutation Reload { reloadWorkspace { __typename } }"
CANCEL = "mutation Cancel($run: String!) { terminateRun(runId: $run) { __typename } }"


def ask(project: Project, query: str, **variables: object) -> dict[str, Any]:
    """Return the answer to a query.

    Raises:
        UserError: the webserver does not answer.

    """
    # The webserver is on this host. A client for GraphQL takes a fifth of a second to import.
    where = urlsplit(project.url)
    if project.has_tls:
        # It is this host's own port; whose certificate it is the host's names need not say.
        unverified = ssl._create_unverified_context()  # noqa: S323, SLF001
        connection: HTTPConnection = HTTPSConnection(
            where.netloc, timeout=ANSWER_SECONDS, context=unverified
        )
    else:
        connection = HTTPConnection(where.netloc, timeout=ANSWER_SECONDS)
    headers = {"Content-Type": "application/json"}
    if token := accounts.token(project):
        headers["Authorization"] = f"Bearer {token}"
    body = json.dumps({"query": query, "variables": variables})
    failure = f"{project.url} does not answer as Dagster's webserver"
    try:
        connection.request("POST", f"{where.path}/graphql", body, headers)
        answer = connection.getresponse()
        text = answer.read()
        if answer.status != HTTPStatus.OK:
            said = text.decode(errors="replace").strip().partition("\n")[0]
            raise UserError(f"{failure}: {answer.status} {answer.reason}: {said}")
        said = json.loads(text)
    except (OSError, HTTPException, ValueError) as error:
        raise UserError(f"{failure}: {error}") from error
    finally:
        connection.close()
    if not isinstance(said, dict) or said.get("errors") or "data" not in said:
        raise UserError(f"{failure}: {json.dumps(said)}")
    return said["data"]


def server(project: Project, location: str) -> str:
    """Return the ID of the code server that the webserver uses; "" while it does not load.

    Raises as `ask`.
    """
    for entry in ask(project, LOCATIONS)["workspaceOrError"].get("locationEntries", ()):
        if entry["name"] == location:
            return (entry["locationOrLoadError"] or {}).get("serverId") or ""
    return ""


def served_at(project: Project, location: str) -> str:
    """Return the host at which the webserver uses a code location; "" while it does not load.

    Raises as `ask`.
    """
    # code-HOST-BOOT-NUMBER.sock; a host that podman named has no hyphen.
    parts = server(project, location).split("-")
    return "-".join(parts[1:-2])


def knows(project: Project, location: str) -> bool:
    """Tell whether the webserver's workspace has a code location. Raises as `ask`."""
    entries = ask(project, LOCATIONS)["workspaceOrError"].get("locationEntries", ())
    return location in {entry["name"] for entry in entries}


def queued_runs(project: Project, location: str) -> list[str]:
    """Return the IDs of a code location's runs that wait in the queue. Raises as `ask`."""
    runs = ask(project, QUEUED)["runsOrError"]["results"]
    origins = {run["runId"]: run["repositoryOrigin"] or {} for run in runs}
    return [
        run for run, origin in origins.items() if origin.get("repositoryLocationName") == location
    ]


def cancel(project: Project, run: str) -> None:
    """Ask the run's code server to end it, as the dashboard does. Raises as `ask`."""
    ask(project, CANCEL, run=run)


def runs_in_flight(project: Project) -> list[str]:
    """Return the IDs of the runs that are under way. Raises as `ask`."""
    return [run["runId"] for run in ask(project, IN_FLIGHT)["runsOrError"]["results"]]


def reload_workspace(project: Project) -> None:
    """Have the webserver read the list of code locations again. Raises as `ask`."""
    ask(project, RELOAD)
