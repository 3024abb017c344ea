"""The switch from one container of a code location to the next, while the stack runs."""

import time
from concurrent.futures import ThreadPoolExecutor

from dagnix import UserError, code, console, dashboard, health, stack
from dagnix.deploy import generations, names, second
from dagnix.podman import inspect
from dagnix.project import Project
from dagnix.stack import Container

FOLLOW_SECONDS = 120
PAUSE_SECONDS = 0.1


def prepare(project: Project, service: str) -> tuple[list[Container], list[list[str]]]:
    """Return what `settle` and `second.described` do, which are looked up at the same time."""
    with ThreadPoolExecutor(1) as pool:
        descriptions = pool.submit(second.described, project, service)
        return settle(project, service), descriptions.result()


def settle(project: Project, service: str) -> list[Container]:
    """Finish what a deploy left that was killed; return all containers as they are then."""
    present = stack.everything(project)
    former = [
        each
        for each in present
        if each.service == service
        and each.former
        and (each.running or generations.wake(project, each))
    ]
    if not former:
        return present
    new = generations.current(present, service)
    host = generations.registered(project, [*([new] if new else []), *former])
    if served := next((each for each in former if each.host == host), None):
        # It was killed before the switch.
        if new:
            generations.remove(project, new)
        generations.bring_back(project, served)
        names.make_current(project, service, served.image_id)
        console.warned("A deploy was cut off before the switch: what it left is removed")
        return stack.everything(project)
    return present


def start_beside(
    project: Project,
    old: Container,
    image_id: str,
    descriptions: list[list[str]],
    wait: float,
) -> Container:
    """Start a new container from an image, and load its code in a throwaway process in there, too.

    `descriptions` are of containers as compose.yaml has them now; `wait` is how long the new one
    may take to become healthy, in seconds.

    Raises:
        UserError: the code does not load or is not served; the new container is removed.

    """
    before = generations.set_aside(project, old)
    try:
        with console.step("Starting a new code server", "A new code server is started"):
            names.make_current(project, old.service, image_id)
            second.start(project, old, descriptions)
            made = [Container(seen) for seen in inspect(project, [old.name])]
            new = generations.serving(project, old.service, made)
        _wait(project, new, wait)
    except BaseException:
        _undo(project, before)
        raise
    return new


def _wait(project: Project, new: Container, seconds: float) -> None:
    """Wait until the code is served, and loads in a throwaway process. Raises UserError."""
    with ThreadPoolExecutor(1) as pool:
        check = pool.submit(code.require, project, new)
        try:
            health.wait(project, seconds, new, record=False)
        finally:
            # Of the two it knows better what is wrong with the code.
            check.result()


def _undo(project: Project, before: Container) -> None:
    if failed := generations.current(stack.everything(project), before.service):
        generations.remove(project, failed)
    generations.bring_back(project, before)
    names.make_current(project, before.service, before.image_id)


def hand_over(project: Project, new: Container, daemon: Container | None) -> None:
    """Have the webserver and the daemon use the new code server; return when they do.

    `daemon` is the daemon's container before that, which starts again.

    Raises:
        UserError: one of them does not; both code servers go on.

    """
    generations.register(project, new)
    follow(project, new, daemon)


def follow(project: Project, new: Container, daemon: Container | None) -> None:
    """Wait until the webserver serves the code of a container that has registered.

    `daemon` is the daemon's container before that, which starts again. Raises as `hand_over`.
    """
    with console.step("Switching over", "The new code is served"):
        end = time.monotonic() + FOLLOW_SECONDS
        while dashboard.served_at(project, new.service) != new.host:
            _require_time(end, "The webserver does not serve the new code", "webserver")
            time.sleep(PAUSE_SECONDS)
        while daemon and daemon.running and not _was_restarted(project, daemon):
            _require_time(end, "The daemon does not use the new code", "daemon")
            time.sleep(PAUSE_SECONDS)


def _was_restarted(project: Project, container: Container) -> bool:
    """Tell whether the container runs, and has been started since this was asked of podman."""
    if not (seen := inspect(project, [container.name])):
        raise UserError(
            f"{container.name} was removed meanwhile: ./dagnix up starts what is missing."
        )
    state = seen[0]["State"]
    return state["Running"] and state["StartedAt"] != container.seen["State"]["StartedAt"]


def _require_time(end: float, sentence: str, service: str) -> None:
    if time.monotonic() > end:
        raise UserError(
            f"{sentence} after {FOLLOW_SECONDS} s: see `./dagnix logs {service}`. Both code "
            "servers run; `./dagnix deploy` goes on from there."
        )
