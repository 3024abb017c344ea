"""What the stack uses while nothing happens, and what one health check costs."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from threading import Event

from bench import hop, used
from bench.figure import Figure, goal
from bench.measurements import Measurements
from bench.services import SERVICES
from bench.timing import timed
from bench.variants.variant import Variant
from dagnix import console
from dagnix.host.podman import inspect, podman
from dagnix.project import Project
from dagnix.stack import containers

SECONDS = 60
SETTLE_SECONDS = 30  # the first ticks and the last of what starting leaves to do
ALL = "whole stack"
PODMAN = "podman's own, for the checks"
CPU_PERCENT, CPU_SHARE = 4, 0.5
MEMORY_SHARE = 0.75
GATE = "gate"  # which the other variant does not have
GATE_CPU_PERCENT, GATE_MEMORY, GATE_MILLISECONDS = 0.2, 30, 5
KINDS = {
    "cpu": ("idle CPU", "%", f"of a core; {SECONDS} s, health checks included, at their intervals"),
    "memory": ("idle memory", "MB", "proportional set size of all processes"),
    "check": ("one health check", "s", "CPU in the container, with what it does meanwhile"),
}
BY_SYSTEMD = Path("/run/systemd/system")


def measure(variant: Variant, runs: int, measured: Measurements) -> None:
    """Watch the stack for a minute so many times, then ask each health check so many times."""
    variant.build()
    variant.start()
    with console.step(f"{variant.name}: idle, {runs} times {SECONDS} s"):
        time.sleep(SETTLE_SECONDS)
        for _ in range(runs):
            _minute(variant.project, measured)
    with console.step(f"{variant.name}: health checks"):
        for container in containers.containers(variant.project):
            for _ in range(runs):
                _check(variant.project, container, measured)
    if any(each.service == GATE for each in containers.containers(variant.project)):
        with console.step(f"{variant.name}: the gate"):
            for _ in range(runs):
                hop.measure(variant.project, measured)
    variant.stop()


def figures(ours: Measurements, theirs: Measurements) -> list[Figure]:
    """Return percent of one core, MB, seconds of CPU of one health check, and ms of the gate."""
    goals = {
        f"cpu: {ALL}": goal(CPU_PERCENT, theirs.of(f"cpu: {ALL}"), CPU_SHARE),
        f"memory: {ALL}": goal(None, theirs.of(f"memory: {ALL}"), MEMORY_SHARE),
        f"cpu: {GATE}": GATE_CPU_PERCENT,
        f"memory: {GATE}": GATE_MEMORY,
    }
    found = []
    for kind, (title, unit, how) in KINDS.items():
        for name in (*SERVICES, "postgres", GATE, *([ALL] if kind != "check" else [])):
            key = f"{kind}: {name}"
            found.append(
                Figure.of(
                    f"{title}, {name}",
                    unit,
                    ours.of(key),
                    theirs.of(key),
                    goal=goals.get(key),
                    how=how,
                )
            )
    found += [
        Figure.of(
            f"a {name}, through the gate",
            "ms",
            ours.of(f"hop: {name}"),
            goal=GATE_MILLISECONDS,
            how=f"more than without it; median of {hop.TIMES}",
        )
        for name in hop.PATHS
    ]
    key, how = f"cpu: {PODMAN}", "systemd's" if BY_SYSTEMD.is_dir() else "podman healthcheck run"
    return [*found, Figure.of(f"idle CPU, {PODMAN}", "%", ours.of(key), theirs.of(key), how=how)]


def _minute(project: Project, measured: Measurements) -> None:
    before, began = used.cpu(project), time.monotonic()
    own = timed(lambda: _checked(project, SECONDS))
    passed = time.monotonic() - began
    after = used.cpu(project)
    percents = {name: (after[name] - before[name]) / passed * 100 for name in after}
    memory = used.memory(project)
    for kind, found in (("cpu", percents), ("memory", memory)):
        for name, value in {**found, ALL: sum(found.values())}.items():
            measured.add(f"{kind}: {name}", value)
    if not BY_SYSTEMD.is_dir():
        measured.add(f"cpu: {PODMAN}", own.cpu / passed * 100)


def _checked(project: Project, seconds: float) -> None:
    """Let time pass; run the health checks at their intervals where podman does not."""
    if BY_SYSTEMD.is_dir():
        time.sleep(seconds)
        return
    over = Event()
    present = containers.containers(project)
    with ThreadPoolExecutor(len(present)) as pool:
        asked = [pool.submit(_ask_again, project, each.name, over.wait) for each in present]
        wait(asked, seconds)
        over.set()


def _ask_again(project: Project, name: str, pause: Callable[[float], bool]) -> None:
    (seen,) = inspect(project, [name])
    while not pause(seen["Config"]["Healthcheck"]["Interval"] / 1e9):
        _run_check(project, name)


def _check(project: Project, container: containers.Container, measured: Measurements) -> None:
    before = used.cpu(project)[container.service]
    _run_check(project, container.name)
    measured.add(f"check: {container.service}", used.cpu(project)[container.service] - before)


def _run_check(project: Project, name: str) -> None:
    podman(project, "healthcheck", "run", name, failure=f"{name} is not healthy")
