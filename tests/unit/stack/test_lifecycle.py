"""In which order the stack is stopped."""

import pytest

from dagnix import project
from dagnix.stack import lifecycle
from dagnix.stack.containers import Container


def container(
    service: str, name: str = "", *, seconds: int = 10, state: str = "running"
) -> Container:
    return Container(
        {
            "Name": name or f"dagnix_{service}_1",
            "Config": {
                "Labels": {"com.docker.compose.service": service},
                "StopTimeout": seconds,
            },
            "State": {"Status": state},
        }
    )


@pytest.mark.usefixtures("checkout")
def test_runs_may_end_before_postgres_does(monkeypatch: pytest.MonkeyPatch) -> None:
    done = []

    def told(_: project.Project, *words: str, failure: str, timeout: float) -> None:
        assert failure
        done.append((words, timeout))

    present = [
        container("postgres", seconds=120),
        container("daemon", seconds=30),
        container("gate", state="exited"),
        container("removed", "dagnix_removed_1-abc-draining", seconds=900),
        container("pipes", seconds=600),
        container("alerts"),
    ]
    monkeypatch.setattr(lifecycle, "podman", told)
    lifecycle.stop(project.current(), present)
    assert done == [
        (
            (
                "stop",
                "--ignore",
                "dagnix_removed_1-abc-draining",
                "dagnix_pipes_1",
                "dagnix_alerts_1",
            ),
            960,
        ),
        (("stop", "--ignore", "dagnix_daemon_1"), 90),
        (("stop", "--ignore", "dagnix_postgres_1"), 180),
    ]
