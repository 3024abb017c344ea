"""The first run, as Dagster's GraphQL API is asked for it."""

from typing import Any

import pytest
from dagster_graphql.schema import create_schema
from graphql import parse, validate

from dagnix import UserError, example, project
from dagnix.locations.faults import Faults

LOADED = {
    "workspaceOrError": {
        "locationEntries": [
            {
                "name": "pipes",
                "locationOrLoadError": {
                    "repositories": [{"name": "here", "jobs": [{"name": "example"}]}]
                },
            }
        ]
    },
    "runsOrError": {"results": []},
}


@pytest.mark.parametrize("query", [example.QUERY, example.LAUNCH, example.STATUS])
def test_a_query_fits_the_schema(query: str) -> None:
    assert validate(create_schema().graphql_schema, parse(query)) == []


class Webserver:
    """Answers with what it launches, and with one status after the other."""

    def __init__(self, launched: dict[str, Any], *statuses: dict[str, str]) -> None:
        self.launched, self.statuses = launched, list(statuses)
        self.asked: list[dict[str, object]] = []

    def ask(self, _: project.Project, query: str, **variables: object) -> dict[str, Any]:
        if query == example.QUERY:
            return LOADED
        self.asked.append(variables)
        if query == example.LAUNCH:
            return {"launchRun": self.launched}
        return {"runOrError": self.statuses.pop(0)}


LAUNCHED = {"__typename": "LaunchRunSuccess", "run": {"runId": "x"}}


def run(monkeypatch: pytest.MonkeyPatch, webserver: Webserver) -> None:
    monkeypatch.setattr(example.dashboard, "ask", webserver.ask)
    monkeypatch.setattr(example.time, "sleep", lambda _: None)
    example.run_once(project.current(), Faults())


@pytest.mark.usefixtures("checkout")
def test_the_job_is_launched_and_waited_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    webserver = Webserver(LAUNCHED, {"status": "STARTED"}, {"status": "SUCCESS"})
    run(monkeypatch, webserver)
    selector = {
        "repositoryLocationName": "pipes",
        "repositoryName": "here",
        "jobName": "example",
    }
    assert webserver.asked == [{"job": selector}, {"run": "x"}, {"run": "x"}]
    assert "The job example ran: SUCCESS" in capsys.readouterr().err


@pytest.mark.usefixtures("checkout")
@pytest.mark.parametrize(
    ("launched", "status", "says"),
    [
        ({"__typename": "PythonError", "message": "no queue"}, {}, "does not run .*: no queue"),
        ({"__typename": "Unknown"}, {}, "does not run .*: Unknown"),
        (LAUNCHED, {"status": "FAILURE"}, "ended in FAILURE: see http://.*/runs/x"),
        (LAUNCHED, {"__typename": "RunNotFoundError", "message": "gone"}, "run x is: gone"),
        (LAUNCHED, {"status": "QUEUED"}, "is QUEUED after 0 s: see"),
    ],
)
def test_what_goes_wrong_is_told(
    monkeypatch: pytest.MonkeyPatch, launched: dict[str, Any], status: dict[str, str], says: str
) -> None:
    monkeypatch.setattr(example, "RUN_SECONDS", 0)
    with pytest.raises(UserError, match=says):
        run(monkeypatch, Webserver(launched, status))
