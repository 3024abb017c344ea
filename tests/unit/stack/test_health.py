import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from support.stack import free_port

from dagnix import UserError, project
from dagnix.process import Result
from dagnix.stack import health
from dagnix.stack.containers import Container
from dagnix.stack.health import Health

Watch = Callable[..., None]


def container(service: str, restarts: int = 0) -> Container:
    labels = {"com.docker.compose.service": service}
    return Container(
        {
            "Name": f"x_{service}_1",
            "Config": {"Labels": labels, "Healthcheck": {}},
            "State": {"Status": "running"},
            "RestartCount": restarts,
        }
    )


@pytest.fixture
def watch(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> Watch:
    """Waits for services of which is given, time after time, the containers and their health."""
    monkeypatch.setattr(health, "PAUSE_SECONDS", 0)
    logged = Result(("podman",), 0, "last words\n")
    monkeypatch.setattr(health, "podman", lambda *_, **__: logged)

    def wait(*rounds: list[tuple[Container, Health]], seconds: float = 60) -> None:
        coming: dict[str, list[tuple[Container, Health]]] = {}
        for present in rounds:
            for each, state in present:
                coming.setdefault(each.name, []).append((each, state))

        def containers(_: project.Project) -> list[Container]:
            return [left[0][0] for left in coming.values() if left]

        def ask(_: project.Project, asked: Container, *, record: bool) -> Health:
            assert record
            return coming[asked.name].pop(0)[1]

        monkeypatch.setattr(health, "containers", containers)
        monkeypatch.setattr(health, "ask_patiently", ask)
        health.wait(project.current(), seconds)

    assert checkout.is_dir()
    return wait


WELL = Health(healthy=True, says="answers")
SICK = Health(healthy=False, says="does not answer")
BROKEN = Health(healthy=False, says="the code does not load: a.py, line 3", needs_code=True)


def test_waits_until_all_are_healthy(watch: Watch, capsys: pytest.CaptureFixture[str]) -> None:
    watch(
        [(container("postgres"), WELL), (container("pipes"), SICK)],
        [(container("postgres"), WELL), (container("pipes"), WELL)],
    )
    assert "x" not in capsys.readouterr().out


def test_tells_the_sentence_and_the_last_lines_of_the_log(watch: Watch) -> None:
    with pytest.raises(UserError) as error:
        watch([(container("postgres"), SICK)], seconds=0)
    assert str(error.value).splitlines() == [
        "postgres is not healthy: does not answer",
        "The last lines of `./dagnix logs postgres`:",
        "  last words",
    ]


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ('{"time": "x", "message": "it failed", "exception": "a\\nb"}', "it failed\na\nb"),
        ('{"message": "well"}', "well"),
        ('{"message": 1}', '{"message": 1}'),
        ("[1]", "[1]"),
        ("plain {", "plain {"),
    ],
)
def test_a_log_of_json_is_shown_as_its_words(line: str, shown: str) -> None:
    assert health.readable(line) == shown


def test_does_not_wait_for_code_that_cannot_load(watch: Watch) -> None:
    with pytest.raises(UserError, match=r"^pipes is not healthy: .* a\.py, line 3"):
        watch(
            [(container("pipes"), BROKEN), (container("daemon"), SICK)],
            [(container("pipes"), BROKEN), (container("daemon"), WELL)],
        )


def test_does_not_wait_for_a_service_that_keeps_stopping(watch: Watch) -> None:
    with pytest.raises(UserError, match=r"^pipes is not healthy"):
        watch(
            [(container("pipes", restarts=5), SICK)],
            [(container("pipes", restarts=8), SICK)],
        )


def test_notices_a_container_that_was_removed(watch: Watch) -> None:
    with pytest.raises(UserError, match=r"^x_pipes_1 was removed$"):
        watch([(container("pipes"), SICK)], [])


@pytest.fixture
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("utc")
@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ({"Status": "exited", "ExitCode": 3}, "exited (3)"),
        ({"Status": "stopped", "ExitCode": 1}, "stopped (1)"),
        ({"Status": "created", "FinishedAt": "0001-01-01T00:00:00Z"}, "created"),
        (
            {"Status": "exited", "ExitCode": 137, "FinishedAt": "2026-11-28T14:01:02.123456789Z"},
            "exited (137) since 2026-11-28 14:01:02",
        ),
    ],
)
def test_what_does_not_run_is_not_healthy(
    checkout: Path, seen: dict[str, Any], expected: str
) -> None:
    stopped = Container({**container("pipes").seen, "State": seen})
    assert checkout.is_dir()
    assert health.ask(project.current(), stopped) == Health(healthy=False, says=expected)


def test_what_was_removed_meanwhile_is_not_healthy(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = {**container("daemon").seen["Config"], "Healthcheck": {"Test": ["CMD", "true"]}}
    asked = Container({**container("daemon").seen, "Config": config})
    failed = Result(("podman",), 125, errors="no such container")
    monkeypatch.setattr(health, "podman", lambda *_, **__: failed)
    monkeypatch.setattr(health, "inspect", lambda *_: [])
    assert checkout.is_dir()
    here = project.current()
    assert health.ask(here, asked) == Health(healthy=False, says="it was removed meanwhile")


@pytest.mark.parametrize(
    ("before", "exits", "words"),
    [
        ("healthy", [0], ["healthcheck"]),
        ("healthy", [1, 0, 0], ["healthcheck", "exec", "healthcheck"]),
        ("starting", [0, 0], ["exec", "healthcheck"]),
    ],
)
def test_podman_is_asked_once_about_what_was_healthy(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, before: str, exits: list[int], words: list[str]
) -> None:
    seen = container("daemon").seen
    check = {"Test": ["CMD", health.PROGRAM, "health", "daemon"]}
    state = {**seen["State"], "Health": {"Status": before}}
    asked = Container({**seen, "State": state, "Config": {**seen["Config"], "Healthcheck": check}})
    said: list[str] = []

    def podman(_: project.Project, *arguments: str, **__: object) -> Result:
        said.append(arguments[0])
        return Result(("podman",), exits.pop(0), "it answers")

    state = {"Health": {"Log": [{"ExitCode": 0, "Output": "it answers"}]}}
    monkeypatch.setattr(health, "podman", podman)
    monkeypatch.setattr(health, "inspect", lambda *_: [{**seen, "State": state}])
    assert checkout.is_dir()
    told = health.ask_patiently(project.current(), asked)
    assert (told, said) == (Health(healthy=True, says="it answers"), words)


@pytest.mark.parametrize(
    ("code", "says"), [(0, "cannot exec in a stopping container"), (1, "it does not answer")]
)
def test_a_check_that_podman_cannot_run_is_not_told_by_the_one_before(
    code: int, says: str, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = container("daemon").seen
    last = {"ExitCode": code, "Output": "it answers" if code == 0 else says}
    refused = Result(("podman",), 125, "", "cannot exec in a stopping container")
    monkeypatch.setattr(health, "podman", lambda *_, **__: refused)
    monkeypatch.setattr(
        health, "inspect", lambda *_: [{**seen, "State": {"Health": {"Log": [last]}}}]
    )
    check = {**seen["Config"], "Healthcheck": {"Test": ["CMD", "true"]}}
    assert checkout.is_dir()
    asked = health.ask(project.current(), Container({**seen, "Config": check}))
    assert asked == Health(healthy=False, says=says)


def draining(state: str) -> dict[str, Any]:
    seen = container("pipes").seen
    check = {**seen["Config"], "Healthcheck": {"Test": ["CMD", "true"]}}
    log = {"Log": [{"ExitCode": 0, "Output": "it answers"}]}
    state_of = {"Status": state, "Health": log}
    return {**seen, "Name": "x_pipes_1-abc-draining", "Config": check, "State": state_of}


@pytest.mark.parametrize("before", ["running", "stopping"])
@pytest.mark.parametrize("after", [None, "stopping"])
def test_a_container_that_goes_after_its_last_run_is_no_fault(
    before: str, after: str | None, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = Result(("podman",), 125, "", "cannot exec in a stopping container")
    monkeypatch.setattr(health, "podman", lambda *_, **__: refused)
    monkeypatch.setattr(health, "inspect", lambda *_: [draining(after)] if after else [])
    assert checkout.is_dir()
    assert health.ask(project.current(), Container(draining(before))).healthy


def test_a_container_that_drains_and_does_not_answer_is_one(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = Result(("podman",), 1, "", "the run server does not listen")
    monkeypatch.setattr(health, "podman", lambda *_, **__: refused)
    monkeypatch.setattr(health, "inspect", lambda *_: [draining("running")])
    assert checkout.is_dir()
    asked = health.ask(project.current(), Container(draining("running")))
    assert asked == Health(healthy=False, says="the run server does not listen")


def test_an_answer_that_does_not_come_in_time_is_waited_for(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def podman(*_: object, **__: object) -> Result:
        raise UserError("no answer within 30 s")

    check = {"Test": ["CMD", health.PROGRAM, "health", "daemon"]}
    seen = container("daemon").seen
    asked = Container({**seen, "Config": {**seen["Config"], "Healthcheck": check}})
    monkeypatch.setattr(health, "podman", podman)
    assert checkout.is_dir()
    told = health.ask_patiently(project.current(), asked)
    assert told == Health(healthy=False, says="no answer within 30 s")


def test_no_service_waits_for_the_answer_of_another_one(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked_again, left = Event(), [SICK, WELL]
    monkeypatch.setattr(health, "PAUSE_SECONDS", 0)
    monkeypatch.setattr(
        health, "containers", lambda _: [container("daemon"), container("webserver")]
    )

    def ask(_: project.Project, asked: Container, *, record: bool) -> Health:
        assert record
        if asked.service == "webserver":
            assert asked_again.wait(30)
            return WELL
        if len(left) == 1:
            asked_again.set()
        return left.pop(0)

    monkeypatch.setattr(health, "ask_patiently", ask)
    assert checkout.is_dir()
    health.wait(project.current(), 60)
    assert not left


def test_what_will_make_a_healthy_service_sick_is_told(
    watch: Watch, capsys: pytest.CaptureFixture[str]
) -> None:
    full = Health(healthy=True, says="answers; warning: the disk of data is almost full")
    assert full.warning == "the disk of data is almost full"
    assert not Health(healthy=False, says=full.says).warning
    watch([(container("postgres"), full)])
    assert "! postgres: the disk of data is almost full" in capsys.readouterr().err


def running(pid: int, port: int | None = None) -> Container:
    ports = {"3000/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(port)}]} if port else {}
    state = {"Status": "running", "ConmonPid": pid}
    return Container(
        {**container("gate").seen, "State": state, "HostConfig": {"PortBindings": ports}}
    )


def test_a_container_that_podman_watches_is_asked() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert running(os.getpid(), listener.getsockname()[1]).lost == ""


def test_a_container_whose_conmon_has_ended_is_not_well(checkout: Path) -> None:
    assert checkout.is_dir()
    ended = subprocess.Popen(["true"])
    ended.wait()
    asked = health.ask(project.current(), running(ended.pid))
    assert not asked.healthy
    assert asked.says.startswith("podman does not watch it any more")
    assert asked.says.endswith("`./dagnix up` makes it anew")


def test_a_dashboard_whose_port_nobody_forwards_is_not_well(checkout: Path) -> None:
    assert checkout.is_dir()
    port = free_port()
    asked = health.ask(project.current(), running(os.getpid(), port))
    assert not asked.healthy
    assert f"nothing listens on its port {port} any more" in asked.says


@pytest.mark.parametrize(("code", "expected"), [(1, False), (3, True)])
def test_the_exit_code_tells_whether_only_other_code_can_help(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, code: int, *, expected: bool
) -> None:
    command = [health.PROGRAM, "health", "pipes"]
    config = {**container("pipes").seen["Config"], "Healthcheck": {"Test": ["CMD", *command]}}
    said = Result(("podman",), code, "the code does not load: a.py, line 3\n")
    monkeypatch.setattr(health, "podman", lambda *_, **__: said)
    assert checkout.is_dir()
    asked = Container({**container("pipes").seen, "Config": config})
    assert health.ask_patiently(project.current(), asked).needs_code is expected
