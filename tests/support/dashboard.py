"""Dagster's GraphQL API. Tests ask it all the time, so it is asked without a client that parses."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from http.client import HTTPConnection
from typing import Any

from dagster import DagsterRunStatus
from dagster_graphql import DagsterGraphQLClient

from support.command import wait_until

_RETRIES = """
query Retries($parent: String!) {
  runsOrError(filter: {tags: [{key: "dagster/parent_run_id", value: $parent}]}) {
    ... on Runs { results { runId } }
  }
}
"""
_RUNS = "{ runsOrError { ... on Runs { results { runId status } } } }"
_STATUS = "query Status($run: ID!) { runOrError(runId: $run) { ... on Run { status } } }"
_SAID = """
query Said($run: ID!) {
  logsForRun(runId: $run) {
    ... on EventConnection { events {
      ... on MessageEvent { message }
      ... on ErrorEvent { error { message causes { message } } }
    } }
  }
}
"""
_TERMINATE = "mutation Terminate($run: String!) { terminateRun(runId: $run) { __typename } }"
_DELETE = "mutation Delete($run: String!) { deleteRun(runId: $run) { __typename } }"
ANSWER_SECONDS = 120  # a limit that ends what hangs
ENDED = {DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED}


class Dashboard:
    """The webserver on a port; `headers` are sent with each question."""

    def __init__(
        self, port: int, host: str = "127.0.0.1", headers: Mapping[str, str] | None = None
    ) -> None:
        self._headers = dict(headers or {})
        self.client = DagsterGraphQLClient(host, port_number=port, headers=self._headers)
        self._address = host, port

    def query(self, text: str, **variables: object) -> dict[str, Any]:
        """Run a GraphQL query; fail with what is said in place of an answer."""
        connection = HTTPConnection(*self._address, timeout=ANSWER_SECONDS)
        try:
            body = json.dumps({"query": text, "variables": variables})
            headers = {"Content-Type": "application/json", **self._headers}
            connection.request("POST", "/graphql", body, headers)
            answer = connection.getresponse()
            said = answer.read().decode()
        finally:
            connection.close()
        assert answer.status == HTTPStatus.OK, said
        answered = json.loads(said)
        assert not answered.get("errors"), said
        return answered["data"]

    def wait_for_job(self, job: str) -> None:
        """Wait until the webserver, which may have started before the code server, has a job."""
        text = """{ workspaceOrError { ... on Workspace { locationEntries { locationOrLoadError {
            ... on RepositoryLocation { repositories { jobs { name } } }
        } } } } }"""

        def there() -> bool:
            entries = self.query(text)["workspaceOrError"].get("locationEntries", ())
            loaded = [entry["locationOrLoadError"] or {} for entry in entries]
            repositories = [each for entry in loaded for each in entry.get("repositories", ())]
            return any(found["name"] == job for each in repositories for found in each["jobs"])

        wait_until(there, f"the dashboard has the job {job}")

    def run(self, job: str) -> tuple[str, DagsterRunStatus]:
        """Launch a job and return the run's ID and the status it ends in."""
        run_id = self.client.submit_job_execution(job)
        return run_id, self.end_of(run_id)

    def status(self, run_id: str) -> DagsterRunStatus:
        """Return the status of a run."""
        return DagsterRunStatus(self.query(_STATUS, run=run_id)["runOrError"]["status"])

    def end_of(self, run_id: str) -> DagsterRunStatus:
        """Wait until a run has ended."""

        def ended() -> DagsterRunStatus | None:
            status = self.status(run_id)
            return status if status in ENDED else None

        return wait_until(ended, f"run {run_id} has ended")

    def said_of(self, run_id: str) -> list[str]:
        """Return the messages and errors in a run's event log."""
        events = self.query(_SAID, run=run_id)["logsForRun"]["events"]
        errors = [error for each in events if (error := each.get("error"))]
        causes = [cause for error in errors for cause in (error, *error["causes"])]
        return [each["message"] for each in (*events, *causes)]

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
