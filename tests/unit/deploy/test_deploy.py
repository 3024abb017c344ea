"""What a deploy tells podman: no test here needs one."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from dagnix import UserError, project
from dagnix.deploy import commands, deploy
from dagnix.host import podman
from dagnix.stack import compose
from dagnix.stack.containers import Container

COMPOSE = """
x-podman: {in_pod: false}
services:
  postgres:
    image: postgres
  pipes:
    image: pipes
    command: ["a b", 'c "d"']
    environment:
      ANSWER: ${ANSWER:-4}
    depends_on: [postgres]
    stop_grace_period: ${GRACE:-10m}
    networks: [inside]
    volumes: [data:/data]
volumes:
  data:
networks:
  inside:
"""
NAME = "dagnix_pipes_1"


@pytest.fixture
def told(
    checkout: Path, program: Callable[[str, str], Path], monkeypatch: pytest.MonkeyPatch
) -> Callable[[], list[list[str]]]:
    """Returns what podman was told to create or run since it was asked last."""
    (checkout / "compose.yaml").write_text(COMPOSE)
    calls = checkout / "calls"
    program(
        "podman",
        f"""case "$1" in
--version) echo podman version 4.3.1 ;;
ps) echo "[]" ;;
create | run) printf '%s\\0' "$@" >>{calls}; echo >>{calls} ;;
esac""",
    )
    monkeypatch.setattr(podman, "settings", dict)

    def read() -> list[list[str]]:
        lines = calls.read_text().splitlines() if calls.exists() else []
        calls.unlink(missing_ok=True)
        return [line.split("\0")[:-1] for line in lines]

    return read


def container(made_with: list[str]) -> Container:
    labels = {"com.docker.compose.service": "pipes"}
    seen: dict[str, Any] = {"Name": NAME, "Config": {"Labels": labels}}
    seen["Config"]["CreateCommand"] = made_with
    return Container(seen)


def test_described_as_podman_compose_makes_it(told: Callable[[], list[list[str]]]) -> None:
    here = project.current()
    commands.execute(here, commands.start(container([]), []))
    made = told()
    assert [words[0] for words in made] == ["create", "create"]
    descriptions = compose.described(here, "pipes")
    assert told() == []
    assert descriptions == [words[1:] for words in made]
    assert descriptions[1][-3:] == ["pipes", "a b", 'c "d"']


def test_a_container_knows_how_long_it_may_take_to_stop(
    told: Callable[[], list[list[str]]],
) -> None:
    commands.execute(project.current(), commands.start(container([]), []))
    postgres, pipes = told()
    assert "--stop-timeout=600" in pipes
    assert not [word for word in postgres if "--stop-timeout" in word]


@pytest.mark.parametrize("how", [["podman", "create"], ["podman", "run", "--detach"]])
def test_made_the_same_it_is_made_at_once(
    told: Callable[[], list[list[str]]], how: list[str]
) -> None:
    here = project.current()
    descriptions = compose.described(here, "pipes")
    commands.execute(here, commands.start(container([*how, *descriptions[1]]), descriptions))
    assert told() == [["run", "--detach", *descriptions[1]]]


def test_made_otherwise_it_is_podman_composes(
    told: Callable[[], list[list[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    here = project.current()
    before = container(["podman", "create", *compose.described(here, "pipes")[1]])
    monkeypatch.setenv("ANSWER", "5")
    commands.execute(here, commands.start(before, compose.described(here, "pipes")))
    assert [words[0] for words in told()] == ["create", "create"]


CHECK = ["CMD", "/opt/dagster/bin/runtime", "health", "pipes"]
ASIDE = f"{NAME}-0a1b-draining"


def served() -> Container:
    """The container that a deploy replaces."""
    return Container(
        {
            "Name": NAME,
            "Id": "01d",
            "Image": "sha256:01d1",
            "Config": {
                "Labels": {"com.docker.compose.service": "pipes"},
                "Hostname": "0a1b",
                "CreateCommand": ["podman", "create", f"--name={NAME}", "image"],
                "Healthcheck": {"Test": CHECK},
            },
            "State": {"Status": "running"},
        }
    )


def lines(commands: Sequence[commands.Command]) -> list[str]:
    return [str(each) for each in commands]


@pytest.mark.usefixtures("checkout")
def test_each_step_says_what_podman_is_told() -> None:
    steps = deploy.plan(project.current(), served(), "0ew1", [[f"--name={NAME}", "image"]])
    image = "localhost/dagnix/pipes:1.2.3"
    runtime = "/opt/dagster/bin/runtime"
    assert lines(steps.start) == [
        f"podman rename {NAME} {ASIDE}",
        f"podman tag 0ew1 {image}",
        f"podman run --detach --name={NAME} image",
    ]
    assert lines(steps.healthy) == [f"podman exec {NAME} {runtime} health pipes 10"]
    assert lines(steps.cut_over) == [f"podman exec {NAME} {runtime} serve"]
    assert lines(steps.drain) == [
        f"podman exec {ASIDE} {runtime} runs",
        f"podman stop --ignore --time 10 {ASIDE}",
        f"podman rm --force --ignore {ASIDE}",
    ]
    assert lines(steps.undo) == [
        f"podman stop --ignore --time 10 {NAME}",
        f"podman rm --force --ignore {NAME}",
        f"podman rename {ASIDE} {NAME}",
        f"podman tag 01d1 {image}",
    ]


@pytest.mark.usefixtures("checkout")
def test_where_compose_yaml_has_changed_podman_compose_makes_it() -> None:
    steps = deploy.plan(project.current(), served(), "0ew1", [[f"--name={NAME}", "other"]])
    assert str(steps.start[-1]) == "podman-compose up --detach --no-recreate pipes"


@pytest.mark.parametrize("fails", ["rename", "up", "health"])
def test_what_does_not_become_healthy_is_undone(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    told: list[str] = []

    def execute(_: project.Project, command: commands.Command) -> None:
        told.append(str(command))
        if command.words[0] == fails and len(told) < 4:
            raise UserError("it cannot be done")

    def wait(*_: object, **__: object) -> None:
        raise UserError("it is not healthy")

    monkeypatch.setattr(deploy, "execute", execute)
    monkeypatch.setattr(deploy, "inspect", lambda *_: [served().seen])
    monkeypatch.setattr(deploy.health, "wait", wait)
    assert checkout.is_dir()
    here = project.current()
    steps = deploy.plan(here, served(), "0ew1", [])
    with pytest.raises(UserError, match="not healthy" if fails == "health" else "cannot be done"):
        deploy.start(here, steps, 1)
    # Until the old one is set aside, its name is that of what serves.
    expected = steps.start[:1] if fails == "rename" else [*steps.start, *steps.undo]
    assert told == lines(expected)


def test_a_dry_run_tells_all_steps_and_changes_nothing(
    told: Callable[[], list[list[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    here = project.current()
    monkeypatch.setattr(deploy.code_containers, "require_running", lambda *_: served())
    said = list(deploy.dry_run(here, "pipes", "0ew1", ["nix build .#pipes-oci"]))
    titles = [line for line in said if not line.startswith(" ")]
    assert titles == [
        "build:",
        "start:",
        "healthy:",
        "cut over:",
        "drain:",
        "if it is not healthy:",
    ]
    assert said[1] == "  nix build .#pipes-oci"
    assert f"  podman rename {NAME} {ASIDE}" in said
    assert told() == []
