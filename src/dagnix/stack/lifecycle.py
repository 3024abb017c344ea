"""The stack's start and its removal."""

from collections.abc import Collection, Iterable
from contextlib import suppress

from dagnix import UserError, code_locations
from dagnix.host.podman import PROJECT_LABEL, image_ids, podman
from dagnix.process import CommandError
from dagnix.project import Project
from dagnix.stack import compute_logs, sockets
from dagnix.stack.bridge import Bridges
from dagnix.stack.compose import compose, services
from dagnix.stack.containers import Container, everything

WATCHER = "alerts"
MARGIN_SECONDS = 60  # for podman itself, beside what containers may take to stop


def outdated(project: Project, present: list[Container]) -> list[str]:
    """Return the services whose container was made from another image than their name has now."""
    current = image_ids(project, {each.image_name for each in present})
    return [
        container.service
        for container in present
        if current.get(container.image_name, container.image_id) != container.image_id
    ]


def start(
    project: Project, present: list[Container], *, anew: bool, absent: Collection[str] = ()
) -> None:
    """Start what is not running; make anew only what changed, or with `anew` everything.

    `present` are all containers that there are, draining ones too. The services in `absent` have no
    image, and are left out.

    Raises:
        CommandError: a service does not start; podman-compose has tried the others, too.

    """
    draining = {each.service for each in present if each.draining}
    present = [each for each in present if each.in_compose]
    lost = [each.service for each in present if each.lost]
    changed = [each.service for each in present] if anew else [*outdated(project, present), *lost]
    chosen = [name for name in services(project) if name not in absent] if absent else []
    failure = "podman-compose cannot start the stack"
    try:
        if changed:
            with suppress(UserError):  # podman-compose says what it cannot make anew
                stop(project, [each for each in present if each.service in changed])
            compose(project, "up", "--detach", "--force-recreate", *changed, failure=failure)
        if not present:
            first = "dagnix.stack.podman_compose.first_start"
            compose(project, "up", "--detach", *chosen, failure=failure, program=first)
            return
        if draining:
            # podman-compose cannot tell a draining container from the service's own. If it was made
            # from other compose files, podman-compose would make the service anew.
            known = chosen or services(project)
            others = [name for name in known if name not in draining]
            compose(project, "up", "--detach", *others, failure=failure)
            if kept := draining & set(known):  # that of a location that was removed is in no file
                compose(project, "up", "--detach", "--no-recreate", *kept, failure=failure)
        else:
            compose(project, "up", "--detach", *chosen, failure=failure)
    finally:
        Bridges(project).pin()


def stop(project: Project, present: Iterable[Container]) -> None:
    """Stop containers: first those that execute runs, so that these can end; Postgres last.

    podman-compose would stop all at once, and runs that may still end would have no database. What
    watches the others stops with the first: what is stopped on purpose is no alert.

    Raises:
        UserError: one does not stop.

    """
    running = [each for each in present if each.running]
    theirs = code_locations.names(project.root)
    first = {*theirs, WATCHER}
    code = [each for each in running if each.draining or each.service in first]
    last = [each for each in running if each.service == "postgres"]
    for some in (code, [each for each in running if each not in (*code, *last)], last):
        if some:
            limit = max(each.stop_seconds for each in some) + MARGIN_SECONDS
            names = [each.name for each in some]
            failure = "Podman cannot stop the stack"
            podman(project, "stop", "--ignore", *names, failure=failure, timeout=limit)


def remove(project: Project, *, volumes: bool) -> None:
    """Stop and remove containers and networks, and volumes if asked to.

    Raises:
        CommandError: something is left over.
        UserError: compute logs cannot be removed.

    """
    words = ["down", "--remove-orphans", *(["--volumes"] if volumes else [])]
    failure = "podman-compose cannot take the stack down"
    with suppress(UserError):  # what is left over then is told below
        stop(project, everything(project))
    draining = [each.name for each in everything(project) if each.draining]
    if draining:
        podman(project, "rm", "--force", *draining, failure=failure)
    # Its exit code is 0 whatever happens, so what is left over decides.
    result = compose(project, *words, failure=failure, check=False)
    sockets.remove(project)
    if leftovers(project):
        raise CommandError(f"{failure}: it left {', '.join(leftovers(project))}.", result)
    if volumes:
        compute_logs.remove(project)


def leftovers(project: Project) -> list[str]:
    """Return the names of the project's containers and networks."""
    filters = ["--filter", f"label={PROJECT_LABEL}={project.name}"]
    listed = [
        podman(project, *words, *filters, failure="Podman does not list the stack").output.split()
        for words in (
            ("ps", "--all", "--format", "{{.Names}}"),
            ("network", "ls", "--format", "{{.Name}}"),
        )
    ]
    return [name for names in listed for name in names]
