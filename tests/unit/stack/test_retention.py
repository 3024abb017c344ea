"""Which container deletes what is not kept, and what is said when it does not run."""

import json
from pathlib import Path

import pytest

from dagnix import UserError, project
from dagnix.commands import prune
from dagnix.process import Result
from dagnix.stack import retention
from dagnix.stack.containers import Container

REPORT = {"runs": 1, "lines": ["Gone: 1 run with 2 events, 0 ticks."]}


def container(service: str, status: str) -> Container:
    labels = {"com.docker.compose.service": service}
    return Container(
        {
            "Name": f"x_{service}_1",
            "Config": {"Labels": labels},
            "State": {"Status": status, "Running": status == "running"},
        }
    )


@pytest.fixture
def stack(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> list[Container]:
    """The containers that there are; podman answers with a report."""
    assert checkout.is_dir()
    present: list[Container] = []
    monkeypatch.setattr(retention, "containers", lambda _: present)

    def podman(_: project.Project, *words: str, failure: str) -> Result:
        assert failure
        assert words[:2] == ("exec", "x_webserver_1")
        return Result(words, 0, f"a warning\n{json.dumps({**REPORT, 'asked': words[-1]})}\n")

    monkeypatch.setattr(retention, "podman", podman)
    return present


def test_the_webserver_prunes(stack: list[Container], capsys: pytest.CaptureFixture[str]) -> None:
    stack += [container("pipes", "running"), container("webserver", "running")]
    assert retention.prune(project.current(), "--dry-run")["asked"] == "--dry-run"
    parser = prune.argparse.ArgumentParser()
    prune.arguments(parser)
    prune.run(parser.parse_args([]))
    assert capsys.readouterr().out == "Gone: 1 run with 2 events, 0 ticks.\n"
    prune.run(parser.parse_args(["--json"]))
    assert json.loads(capsys.readouterr().out)["runs"] == 1
    with pytest.raises(UserError, match="take it without --dry-run"):
        prune.run(parser.parse_args(["--dry-run", "--shrink"]))


def test_without_a_webserver_it_is_said_what_to_do(stack: list[Container]) -> None:
    stack += [container("pipes", "running"), container("webserver", "exited")]
    with pytest.raises(UserError, match=r"start it with ./dagnix up"):
        retention.prune(project.current())
