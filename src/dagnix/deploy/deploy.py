"""A deploy, from top to bottom: build → start → healthy → cut over → drain.

Whoever calls `deploy` has the image built before. `plan` lists the podman commands of each further
step, which commands.py makes. `deploy` executes those of start and cut over, and those of undo if
the new container does not become healthy; stack/health.py waits for that, and drain.py drains.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from dagnix import UserError, console
from dagnix.alerts import notices
from dagnix.code import mount
from dagnix.code import secrets as code_secrets
from dagnix.deploy import (
    code_containers,
    commands,
    drain,
    history,
    interrupted,
    published,
    shown,
)
from dagnix.deploy.commands import Command, execute
from dagnix.deploy.terms import Terms
from dagnix.host.podman import inspect
from dagnix.images import build as images
from dagnix.images import load, tags
from dagnix.project import Project
from dagnix.stack import compose, health
from dagnix.stack.containers import Container
from dagnix.versions import hosts


def deploy(project: Project, service: str, release: history.Release, terms: Terms) -> None:
    """Serve the code of an image that podman has.

    Raises:
        UserError: the code does not load, and the code of before stays live; or the webserver does
            not show the new code after the cut-over, and both containers go on.

    """
    present, descriptions = _look(project, service)
    old = code_containers.require_running(project, service, present)
    history.note_present(project, service, old.image_id)
    if _is_served(project, old, release):
        tags.give_compose_name(project, service, release.image_id)
        shown.ensure_served(project, old, terms.wait)
        drain.begin(project)
        console.out.print("Nothing to do: this image is what is served.")
        return
    steps = plan(project, old, release.image_id, descriptions)
    with served_code_stays(), notices.of_deploy(project, service):
        hosts.require_code(project, present, service, release.image_id)
        new = start(project, steps, terms.wait)
    cut_over(project, new, steps)
    health.ask(project, new)  # podman notes the answer, and shows the container as healthy
    tags.retain(project, service, release.image_id)
    history.add(project, service, release)
    published.publish(project, [new])
    console.out.print(f"Live: {new.digest}")
    _tell_runs(project, old)
    drain.begin(project, terms.limit * 60, terms.afterwards)


@dataclass(frozen=True)
class Plan:
    """What each step of a deploy tells podman; `undo` is for one that does not become healthy."""

    start: tuple[Command, ...]
    healthy: tuple[Command, ...]
    cut_over: tuple[Command, ...]
    drain: tuple[Command, ...]
    undo: tuple[Command, ...]


def plan(
    project: Project, old: Container, image_id: str, descriptions: Sequence[Sequence[str]]
) -> Plan:
    """Return what a deploy of an image in place of a container tells podman.

    `descriptions` are what podman-compose would have podman create now (`compose.described`).
    """
    name, service = old.name, old.service  # the new container gets this name
    aside = code_containers.renamed(old, commands.set_aside(old))
    return Plan(
        start=(
            commands.set_aside(old),
            commands.give_compose_name(project, service, image_id),
            commands.start(old, descriptions),
        ),
        healthy=(commands.healthy(name, old.health_check),),
        cut_over=(commands.serve(name),),
        drain=(commands.runs(aside.name), *commands.remove(aside.name)),
        undo=(
            *commands.remove(name),
            commands.restore_name(aside),
            commands.give_compose_name(project, service, old.image_id),
        ),
    )


def build(project: Project, service: str) -> history.Release:
    """Build a location's image from the working tree, and give it to podman."""
    with ThreadPoolExecutor(1) as pool:
        origin = pool.submit(history.of_checkout, project, service)
        (layout,) = images.build(project, [service])
        return history.Release("deploy", load.ensure(project, layout), origin.result())


def start(project: Project, steps: Plan, wait: float) -> Container:
    """Start the new container, and wait until it is healthy, for at most so many seconds.

    Raises:
        UserError: it does not start, or the code does not load; it is removed.

    """
    set_aside, *rest = steps.start
    # Outside the try: if this fails, the container that serves still has the name, and undo would
    # remove it.
    execute(project, set_aside)
    try:
        with console.step("Starting a new code server", "A new code server is started"):
            for command in rest:
                execute(project, command)
            _, name, _ = set_aside.words
            (made,) = inspect(project, [name])
            new = Container(made)
        health.wait(project, wait, new, record=False)
    except BaseException:
        for command in steps.undo:
            execute(project, command)
        raise
    return new


def cut_over(project: Project, new: Container, steps: Plan) -> None:
    """Have the webserver and the daemon use the new container; return when the dashboard does.

    Launches go to it at once, and the daemon sees its code within seconds.

    Raises:
        UserError: the webserver does not; both containers go on.

    """
    for command in steps.cut_over:
        execute(project, command)
    shown.wait_until_shown(project, new)


def dry_run(
    project: Project, service: str, image_id: str, before: Sequence[str] = ()
) -> Iterator[str]:
    """Yield the lines that say what a deploy would do; `before` is what would bring the image."""
    old = code_containers.require_running(project, service)
    steps = plan(project, old, image_id, compose.described(project, service))
    for title, lines in (
        ("build", before),
        ("start", steps.start),
        ("healthy", steps.healthy),
        ("cut over", steps.cut_over),
        ("drain", steps.drain),
        ("if it is not healthy", steps.undo),
    ):
        yield f"{title}:"
        yield from (f"  {line}" for line in lines)


@contextmanager
def served_code_stays() -> Iterator[None]:
    """Say so when what is done before the cut-over fails."""
    try:
        yield
    except UserError as error:
        raise UserError(f"{error}\nThe code that is served stays as it was.") from error


def _look(project: Project, service: str) -> tuple[list[Container], list[list[str]]]:
    """Return all containers, and how they would be made, which are looked up at the same time."""
    with ThreadPoolExecutor(1) as pool:
        descriptions = pool.submit(compose.described, project, service)
        return interrupted.finish(project, service), descriptions.result()


def _is_served(project: Project, old: Container, release: history.Release) -> bool:
    same = old.image_id == release.image_id and old.mounted == mount.folder(project, old.service)
    return same and not code_secrets.changed_since(project, old.service, old.started)


def _tell_runs(project: Project, old: Container) -> None:
    with suppress(UserError):  # the old container may be broken, and this deploy its repair
        if left := code_containers.runs(project, old):
            console.out.print(
                f"{len(left)} run(s) in flight finish on the old code; its container is removed "
                "after the last one (see ./dagnix status)."
            )
