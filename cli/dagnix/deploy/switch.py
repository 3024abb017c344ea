"""The switch from one container of a code location to the next, while the stack runs."""

import time
from concurrent.futures import ThreadPoolExecutor

from dagnix import UserError, console, dashboard, health, stack
from dagnix.deploy import generations, names, second
from dagnix.locations.faults import Faults
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
    host = generations.served(project, [*([new] if new else []), *former])
    if served := next((each for each in former if each.host == host), None):
        # It was killed before the switch.
        if new:
            generations.remove(project, new)
        generations.bring_back(project, served)
        names.make_current(project, service, served.image_id)
        console.warned("A deploy was cut off before the switch: what it left is removed")
        return stack.everything(project)
    return present


def settle_all(project: Project, faults: Faults) -> list[Container]:
    """Finish what deploys left that were killed; return all containers as they are then.

    What cannot be finished is a fault of its location.
    """
    present = stack.everything(project)
    services = {each.service for each in present if each.former}
    for service in services:
        with faults.of(service):
            settle(project, service)
    return stack.everything(project) if services else present


def have_served(project: Project, new: Container, seconds: float) -> None:
    """Have a container serve, if another one does, or none.

    It may take `seconds` to become healthy: it may have been started just now.

    Raises:
        UserError: it cannot.

    """
    if generations.served(project, [new]) != new.host:
        health.wait(project, seconds, new, record=False)
        generations.serve(project, new)


def require_followed(project: Project, service: str) -> None:
    """Wait until the webserver shows the code of the container that compose.yaml names.

    Raises:
        UserError: it does not, or the container does not run.

    """
    new = generations.serving(project, service)
    if dashboard.served_at(project, service) != new.host:
        follow(project, new)


def start_beside(
    project: Project,
    old: Container,
    image_id: str,
    descriptions: list[list[str]],
    wait: float,
) -> Container:
    """Start a new container from an image, and wait until it serves its code.

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
        health.wait(project, wait, new, record=False)
    except BaseException:
        _undo(project, before)
        raise
    return new


def _undo(project: Project, before: Container) -> None:
    if failed := generations.current(stack.everything(project), before.service):
        generations.remove(project, failed)
    generations.bring_back(project, before)
    names.make_current(project, before.service, before.image_id)


def hand_over(project: Project, new: Container) -> None:
    """Have the webserver and the daemon use the new container; return when the dashboard does.

    Launches go to it at once, and the daemon sees its code within seconds.

    Raises:
        UserError: the webserver does not; both containers go on.

    """
    generations.serve(project, new)
    follow(project, new)


def follow(project: Project, new: Container) -> None:
    """Wait until the webserver shows the code of a container that serves. Raises as `hand_over`."""
    with console.step("Switching over", "The new code is served"):
        end = time.monotonic() + FOLLOW_SECONDS
        while dashboard.served_at(project, new.service) != new.host:
            if time.monotonic() > end:
                raise UserError(
                    f"The webserver does not serve the new code after {FOLLOW_SECONDS} s: see "
                    "`./dagnix logs webserver`. Both containers run; `./dagnix deploy` goes on "
                    "from there."
                )
            time.sleep(PAUSE_SECONDS)
