"""How a second container is made, with a podman that only writes down what it is told."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dagnix import podman, project
from dagnix.deploy import second
from dagnix.stack import Container

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
    second.start(here, container([]), [])
    made = told()
    assert [words[0] for words in made] == ["create", "create"]
    descriptions = second.described(here, "pipes")
    assert told() == []
    assert descriptions == [words[1:] for words in made]
    assert descriptions[1][-3:] == ["pipes", "a b", 'c "d"']


def test_a_container_knows_how_long_it_may_take_to_stop(
    told: Callable[[], list[list[str]]],
) -> None:
    second.start(project.current(), container([]), [])
    postgres, pipes = told()
    assert "--stop-timeout=600" in pipes
    assert not [word for word in postgres if "--stop-timeout" in word]


@pytest.mark.parametrize("how", [["podman", "create"], ["podman", "run", "--detach"]])
def test_made_the_same_it_is_made_at_once(
    told: Callable[[], list[list[str]]], how: list[str]
) -> None:
    here = project.current()
    descriptions = second.described(here, "pipes")
    second.start(here, container([*how, *descriptions[1]]), descriptions)
    assert told() == [["run", "--detach", *descriptions[1]]]


def test_made_otherwise_it_is_podman_composes(
    told: Callable[[], list[list[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    here = project.current()
    before = container(["podman", "create", *second.described(here, "pipes")[1]])
    monkeypatch.setenv("ANSWER", "5")
    second.start(here, before, second.described(here, "pipes"))
    assert [words[0] for words in told()] == ["create", "create"]
