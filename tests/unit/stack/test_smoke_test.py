"""The first run, as the webserver is asked for it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dagnix import UserError, project
from dagnix.faults import Faults
from dagnix.stack import smoke_test

JOB = {"repositoryLocationName": "pipes", "repositoryName": "own", "jobName": "example"}
Answers = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def answers(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> Answers:
    """Have the webserver launch a run with these statuses, or answer otherwise to the launch."""
    assert checkout.is_dir()
    monkeypatch.setattr(smoke_test, "PAUSE_SECONDS", 0)

    def give(*statuses: str, launched: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        coming, asked = list(statuses), []
        repositories = [{"name": "own", "jobs": [{"name": "example"}]}]
        entry = {"name": "pipes", "locationOrLoadError": {"repositories": repositories}}

        def ask(_: project.Project, query: str, **variables: Any) -> dict[str, Any]:
            if query == smoke_test.LAUNCH:
                asked.append(variables["params"])
                return {"launchRun": launched or {"run": {"runId": "1"}}}
            if query == smoke_test.STATUS:
                return {"runOrError": {"status": coming.pop(0)}}
            return {
                "workspaceOrError": {"locationEntries": [entry]},
                "runsOrError": {"results": []},
            }

        monkeypatch.setattr(smoke_test.dashboard, "ask", ask)
        return asked

    return give


def test_it_is_launched_once_and_waited_for(answers: Answers) -> None:
    asked = answers("QUEUED", "STARTED", "SUCCESS")
    smoke_test.run_once(project.current(), Faults())
    assert asked == [{"selector": JOB, "runConfigData": {}}]


@pytest.mark.parametrize(
    ("statuses", "launched", "says"),
    [
        (["STARTED", "FAILURE"], None, "ended in FAILURE: see .*/runs/1"),
        ([], {"__typename": "PythonError", "message": "no"}, "does not run the job example: no"),
        ([], {"__typename": "RunConfigValidationInvalid"}, "RunConfigValidationInvalid"),
    ],
)
def test_what_goes_wrong_is_said(
    answers: Answers, statuses: list[str], launched: dict[str, Any] | None, says: str
) -> None:
    answers(*statuses, launched=launched)
    with pytest.raises(UserError, match=says):
        smoke_test.run_once(project.current(), Faults())
