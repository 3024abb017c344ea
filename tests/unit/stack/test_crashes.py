"""Services that end again and again."""

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from dagnix import project
from dagnix.stack import crashes
from dagnix.stack.containers import Container
from dagnix.stack.health import Health

Program = Callable[[str, str], Path]
WELL = Health(healthy=True, says="answers")


def container(restarts: int, seconds: float) -> Container:
    """Return a container that podman has started again so often, the last time so long ago."""
    state = {"Status": "running", "StartedAt": ago(seconds).isoformat()}
    return Container({"Id": "abc", "Name": "x", "RestartCount": restarts, "State": state})


def ago(seconds: float) -> dt.datetime:
    return dt.datetime.now(dt.UTC) - dt.timedelta(seconds=seconds)


def event(when: dt.datetime, *, number: bool) -> str:
    """Return an end at a moment, as podman 4 or 5 tells it."""
    if number:
        told = {"timeNano": int(when.timestamp() * 1e9)}
    else:
        told = {"Time": when.isoformat().replace("+00:00", "123Z")}
    return json.dumps({"Status": "died", **told})


def podman(program: Program, *events: str) -> None:
    lines = "\n".join(events)
    script = (
        f"case \"$*\" in *--version*) echo podman version 5.5.0 ;; *) cat <<'E'\n{lines}\nE\nesac"
    )
    program("podman", script)


@pytest.mark.usefixtures("checkout")
@pytest.mark.parametrize("number", [True, False])
def test_a_service_that_ends_again_and_again_is_not_well_and_since_when(
    program: Program, *, number: bool
) -> None:
    ends = [ago(seconds) for seconds in (7200, 500, 300, 100)]
    podman(program, *(event(each, number=number) for each in ends))
    asked = crashes.judge(project.current(), container(12, 100), WELL)
    assert not asked.healthy
    first, last = (f"{each.astimezone():%F %T}" for each in (ends[1], ends[-1]))
    assert asked.says.startswith(f"has ended 3 times since {first}, the last time at {last}")
    assert asked.says.endswith(": answers")


@pytest.mark.usefixtures("checkout")
@pytest.mark.parametrize(
    ("restarts", "uptime", "ends"),
    [
        (2, 10, (30, 20, 10)),  # podman has started it again twice
        (9, 700, (900, 800, 700)),  # it has worked since
        (9, 10, (9000, 5000, 10)),  # once in hours
        (9, 70, (100, 90, 80, 70)),  # it was mended
        (9, 10, ()),  # the host keeps no events
    ],
)
def test_a_service_that_ended_now_and_then_is_well(
    program: Program, restarts: int, uptime: float, ends: tuple[float, ...]
) -> None:
    podman(program, *(event(ago(each), number=True) for each in ends))
    assert crashes.judge(project.current(), container(restarts, uptime), WELL) == WELL
