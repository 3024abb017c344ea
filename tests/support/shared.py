"""A stack that tests use one after the other, each as if it was the first."""

import json
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, fields
from typing import Any, Generic, Protocol, TypeVar

from dagnix.deploy.old_images import RETAINED
from support.command import TIMEOUT_SECONDS
from support.dashboard import Dashboard
from support.podman import PROJECT_LABEL
from support.stack import Stack

PAUSE_SECONDS = 0.5


class Used(Protocol):
    """What a test gets."""

    @property
    def stack(self) -> Stack:
        """The stack itself."""

    def code(self) -> str:
        """Say whether the code that is saved is what the dashboard serves."""

    def restore(self) -> None:
        """Have code served that loads, as it is saved, with its automations off."""


@dataclass(frozen=True)
class Traces:
    """All that a test can leave of a stack: names, states and IDs, and the code that is served."""

    containers: dict[str, str]
    volumes: set[str]
    networks: set[str]
    images: set[str]
    runs: set[str]
    code: str

    def beside(self, other: "Traces") -> str:
        """Say what differs."""
        return "; ".join(
            f"{each.name} are {mine}, and were {theirs}"
            for each in fields(self)
            if (mine := getattr(self, each.name)) != (theirs := getattr(other, each.name))
        )


def containers(stack: Stack) -> list[dict[str, Any]]:
    """Return what `podman ps` tells of a stack's containers."""
    of_it = f"--filter=label={PROJECT_LABEL}={stack.project}"
    return json.loads(stack.podman("ps", "--all", of_it, "--format=json").stdout)


def look(used: Used) -> Traces:
    """Return what there is of a stack now."""
    stack, podman = used.stack, used.stack.podman
    of_it = f"--filter=label={PROJECT_LABEL}={stack.project}"
    return Traces(
        containers={each["Names"][0]: each["State"] for each in containers(stack)},
        volumes=set(podman("volume", "ls", of_it, "--quiet").stdout.split()),
        networks=set(podman("network", "ls", of_it, "--format={{.Name}}").stdout.split()),
        # Those that it retains Dagnix removes by itself.
        images={each for each in podman.images(stack.project) if not RETAINED.search(each)},
        runs=set(Dashboard(stack.port).runs()),
        code=used.code(),
    )


def restore(used: Used, before: Traces, since: float) -> None:
    """Bring a stack back to what it was before a test. Fails if something is left after minutes.

    `since` is when it was lent, in seconds since 1970: what has started since is asked how it is.
    """
    stack, podman, dashboard = used.stack, used.stack.podman, Dashboard(used.stack.port)
    end = time.monotonic() + TIMEOUT_SECONDS
    known = {each["Names"][0]: each for each in containers(stack)}
    down = {name for name in before.containers if known.get(name, {}).get("State") != "running"}
    for name in down:
        podman("start", name)
    new = {name for name, each in known.items() if each["StartedAt"] >= int(since)} | down
    before_code = ("postgres", "webserver", "gate", "daemon")
    others = [name for name in before_code if stack.container(name) in new]
    stack.wait_for_health(*others)
    used.restore()
    if stack.container("pipes") in new:
        stack.wait_for_health("pipes")
    # A run that a sensor has just asked for, or a container that is on its way out, comes later.
    while (now := look(used)) != before:
        assert time.monotonic() < end, now.beside(before)
        dashboard.delete(*now.runs - before.runs)
        for kind in ("container", "volume", "network", "image"):
            found, known = (set(getattr(each, f"{kind}s")) for each in (now, before))
            at_once = ["--time=0"] if kind == "container" else []
            for name in found - known:
                podman(kind, "rm", "--force", *at_once, name, check=False)
        time.sleep(PAUSE_SECONDS)


Kind = TypeVar("Kind", bound=Used)


class Shared(AbstractContextManager["Shared[Kind]"], Generic[Kind]):
    """Has a stack made when a test first asks for it, and anew when a test has broken it.

    `make` starts one, and removes it when its block ends.
    """

    def __init__(self, make: Callable[[], AbstractContextManager[Kind]]) -> None:
        self._make = make
        self._made = ExitStack()
        self._found: tuple[Kind, Traces] | None = None
        self._since = 0.0  # when it was lent, in seconds since 1970

    def __exit__(self, *_: object) -> None:
        self.give_up()

    def give_up(self) -> None:
        """Remove the stack, if there is one; who asks for it then gets a new one."""
        self._found = None
        self._made.close()

    def lend(self) -> Kind:
        """Return the stack as it was at first."""
        if self._found is None:
            used = self._made.enter_context(self._make())
            self._found = used, look(used)
        self._since = time.time()
        return self._found[0]

    def take_back(self) -> None:
        """Bring the stack back to what it was; give it up, and fail, if it cannot be."""
        assert self._found
        try:
            restore(*self._found, self._since)
        except BaseException:
            self.give_up()
            raise
