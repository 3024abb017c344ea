"""Dagster's GraphQL API, through the clients that Dagster's webserver brings."""

from typing import Any

from dagster import DagsterRunStatus
from dagster_graphql import DagsterGraphQLClient
from gql import Client, GraphQLRequest
from gql.transport.requests import RequestsHTTPTransport

from support.command import wait_until

_RETRIES = """
query Retries($parent: String!) {
  runsOrError(filter: {tags: [{key: "dagster/parent_run_id", value: $parent}]}) {
    ... on Runs { results { runId } }
  }
}
"""
_RUNS = "{ runsOrError { ... on Runs { results { runId status } } } }"
_TERMINATE = "mutation Terminate($run: String!) { terminateRun(runId: $run) { __typename } }"
_DELETE = "mutation Delete($run: String!) { deleteRun(runId: $run) { __typename } }"
ENDED = {DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED}


class Dashboard:
    """The webserver on a port of 127.0.0.1."""

    def __init__(self, port: int) -> None:
        self._dagster = DagsterGraphQLClient("127.0.0.1", port_number=port)
        self._transport = RequestsHTTPTransport(f"http://127.0.0.1:{port}/graphql", timeout=30)

    def query(self, text: str, **variables: object) -> dict[str, Any]:
        """Run a GraphQL query."""
        return Client(transport=self._transport).execute(
            GraphQLRequest(text, variable_values=variables)
        )

    def wait_for_job(self, job: str) -> None:
        """Wait until the webserver, which may have started before the code server, has a job."""
        text = """{ workspaceOrError { ... on Workspace { locationEntries { locationOrLoadError {
            ... on RepositoryLocation { repositories { jobs { name } } }
        } } } } }"""

        def there() -> bool:
            entries = self.query(text)["workspaceOrError"]["locationEntries"]
            loaded = [entry["locationOrLoadError"] or {} for entry in entries]
            repositories = [each for entry in loaded for each in entry.get("repositories", ())]
            return any(found["name"] == job for each in repositories for found in each["jobs"])

        wait_until(there, f"the dashboard has the job {job}")

    def run(self, job: str) -> tuple[str, DagsterRunStatus]:
        """Launch a job and return the run's ID and the status it ends in."""
        run_id = self._dagster.submit_job_execution(job)
        return run_id, self.end_of(run_id)

    def end_of(self, run_id: str) -> DagsterRunStatus:
        """Wait until a run has ended."""

        def ended() -> DagsterRunStatus | None:
            status = self._dagster.get_run_status(run_id)
            return status if status in ENDED else None

        return wait_until(ended, f"run {run_id} has ended")

    def runs(self) -> dict[str, DagsterRunStatus]:
        """Return all runs by ID."""
        results = self.query(_RUNS)["runsOrError"]["results"]
        return {each["runId"]: DagsterRunStatus(each["status"]) for each in results}

    def terminate(self, run_id: str) -> str:
        """Cancel a run; return the type of Dagster's answer."""
        return self.query(_TERMINATE, run=run_id)["terminateRun"]["__typename"]

    def delete(self, *run_ids: str) -> None:
        """Cancel runs that have not ended, and delete all of them when they have."""
        for run_id, status in self.runs().items():
            if run_id in run_ids and status not in ENDED:
                self.terminate(run_id)
        for run_id in run_ids:
            self.end_of(run_id)
            self.query(_DELETE, run=run_id)

    def retries(self, run_id: str) -> list[str]:
        """Return the IDs of the runs that are retries of a run."""
        results = self.query(_RETRIES, parent=run_id)["runsOrError"]["results"]
        return [each["runId"] for each in results]
