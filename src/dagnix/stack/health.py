"""The services' health, asked of them now.

Podman runs health checks by itself only where systemd does, so each is run here by its name.
"""

import json
import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from dataclasses import dataclass

from dagnix import UserError, code_locations, console
from dagnix.host.podman import inspect, podman
from dagnix.process import Result
from dagnix.project import Project
from dagnix.stack.containers import Container, containers, shown

CHECK_SECONDS = 30  # one check; podman itself ends it after the timeout in compose.yaml
# How long a check of our own program waits for the service to become well. It asks again by itself:
# each `podman healthcheck` would cost 0.1 s of CPU, which the starting services need.
PATIENCE_SECONDS = 10
PROGRAM, GATE = "/opt/dagster/bin/runtime", "/opt/dagster/bin/gate"
PAUSE_SECONDS = 0.5  # before a service is asked once more
RESTARTS = 3  # a service that stopped so often while it was waited for will not come up
# What the others get once one keeps stopping: they often wait for that one.
GRACE_SECONDS = 5
# The exit code of a check of our own program when only other code can help: it is not waited for.
NEEDS_CODE = 3  # in src/entrypoint/internal/health/health.go
# What follows on this in the line of a check is a warning, such as a disk that is almost full.
WARNING = "; warning: "
LOG_LINES = 15


@dataclass(frozen=True)
class Health:
    """What a service's health check says of it."""

    healthy: bool
    says: str
    needs_code: bool = False  # only other code can help

    @property
    def warning(self) -> str:
        """What will make a healthy service sick, if that is seen."""
        return self.says.partition(WARNING)[2] if self.healthy else ""


GOING = Health(healthy=True, says="is being stopped after its last run")


def ask(project: Project, container: Container) -> Health:
    """Run the container's health check once."""
    if container.is_going:
        return GOING
    if not container.running:
        since = f" since {shown(container.ended)}" if container.ended else ""
        return Health(healthy=False, says=f"{container.state}{since}")
    if container.lost:
        return Health(healthy=False, says=f"{container.lost}: `./dagnix up` makes it anew")
    if not container.health_check:
        return Health(healthy=True, says="has no health check")
    words = ["healthcheck", "run", container.name]
    failure = f"The health check of {container.service} does not end"
    try:
        result = podman(project, *words, failure=failure, check=False, timeout=CHECK_SECONDS)
    except UserError as error:
        return Health(healthy=False, says=str(error))
    # Podman itself does not print what the check has said.
    seen = inspect(project, [container.name])
    return _judged(container, Container(seen[0]) if seen else None, result)


def _judged(asked: Container, now: Container | None, result: Result) -> Health:
    """Return what a check means, by what the container is after it; None is for a removed one."""
    if now is None:
        return Health(healthy=asked.draining, says="it was removed meanwhile")
    if now.is_going:
        return GOING
    code, said = now.last_check
    if result.returncode == 0:
        return Health(healthy=True, says=said)
    # If the container is just stopping, podman may not have run this check. `code` is then that of
    # the one before, which passed.
    said = (said if code else "") or result.errors.strip() or result.output.strip()
    return Health(healthy=False, says=said)


def ask_all(project: Project, present: list[Container]) -> list[Health]:
    """Run the health checks of all, at the same time."""
    if not present:
        return []
    with ThreadPoolExecutor(len(present)) as pool:
        return list(pool.map(lambda container: ask(project, container), present))


def ask_patiently(project: Project, container: Container, *, record: bool = True) -> Health:
    """Repeat the container's health check until it passes or a few seconds are over.

    Podman records only a check that passes, and only with `record`. If the container was healthy
    before, podman runs the check itself: one call then asks and records.
    """
    if record and container.was_healthy and (told := ask(project, container)).healthy:
        return told
    _, *command = container.health_check or [""]
    if container.running and command[:1] in ([PROGRAM], [GATE]):
        words = ["exec", container.name, *command, str(PATIENCE_SECONDS)]
        failure = f"{container.service} is not to be waited for"
        try:
            asked = podman(project, *words, failure=failure, check=False, timeout=CHECK_SECONDS)
        except UserError as error:  # the host is very busy
            return Health(healthy=False, says=str(error))
        healthy, says = asked.returncode == 0, asked.output.strip()
        if says and not (healthy and record):
            return Health(healthy=healthy, says=says, needs_code=asked.returncode == NEEDS_CODE)
    return ask(project, container)


def wait(
    project: Project, seconds: float, only: Container | None = None, *, record: bool = True
) -> None:
    """Wait until every service, or `only` one, is healthy; print a line for each.

    Each may take at most `seconds`. Without `record`, `ask` has to be called later, for podman to
    know.

    Raises:
        UserError: with what the health check of each other service says, and its last log lines.

    """
    if found := sick(project, seconds, only, record=record):
        raise UserError("\n".join(found.values()))


def sick(
    project: Project, seconds: float, only: Container | None = None, *, record: bool = True
) -> dict[str, str]:
    """Wait as `wait` does; return what is wrong with the services that do not become healthy."""
    start = time.monotonic()
    chosen = [only] if only else containers(project)
    restarts = {each.name: each.restarts for each in chosen}
    services = {each.name: each.service for each in chosen}
    # Nothing waits for a code location.
    alone = set(code_locations.names(project.root))
    failures: dict[str, str] = {}
    with console.err.status("Waiting for the services"), ThreadPoolExecutor() as pool:

        def ask_all_of(some: list[Container]) -> dict[Future[Health], Container]:
            return {pool.submit(ask_patiently, project, each, record=record): each for each in some}

        asked = ask_all_of(chosen)
        while asked:
            answers, _ = wait_for(asked, return_when=FIRST_COMPLETED)
            again: set[str] = set()
            for answer in answers:
                container, health = asked.pop(answer), answer.result()
                spent = time.monotonic() - start
                stops = container.restarts - restarts[container.name] >= RESTARTS
                if health.healthy:
                    console.finished(f"{container.service} is healthy", spent)
                    if health.warning:
                        console.warned(f"{container.service}: {health.warning}")
                elif stops or health.needs_code or spent > seconds:
                    console.failed(f"{container.service} is not healthy")
                    failures[container.service] = _failure(project, container, health)
                    if stops and container.service not in alone:
                        seconds = min(seconds, spent + GRACE_SECONDS)
                else:
                    again.add(container.name)
            if again:
                time.sleep(PAUSE_SECONDS)
                present = [each for each in containers(project) if each.name in again]
                for name in again - {each.name for each in present}:
                    failures[services[name]] = f"{name} was removed"
                asked |= ask_all_of(present)
    return failures


def readable(line: str) -> str:
    """Return what a line of a log says to people, also one of JSON (docs/howto/logs.md)."""
    try:
        fields = json.loads(line)
        said = [fields["message"], *([fields["exception"]] if "exception" in fields else [])]
        return "\n".join(said)
    except (ValueError, KeyError, TypeError):
        return line


def _failure(project: Project, container: Container, health: Health) -> str:
    words = ["logs", "--tail", str(LOG_LINES), container.name]
    logged = podman(project, *words, failure="Podman does not show logs", check=False)
    lines = (logged.output + logged.errors).splitlines()[-LOG_LINES:]
    shown = "\n".join(f"  {text}" for line in lines for text in readable(line).splitlines())
    return (
        f"{container.service} is not healthy: {health.says}\n"
        f"The last lines of `./dagnix logs {container.service}`:\n{shown}"
    )
