"""The services' health, asked of them now.

Podman runs health checks by itself only where systemd does, so each is run here by its name.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from dagnix import UserError, console
from dagnix.podman import inspect, podman
from dagnix.project import Project
from dagnix.stack import Container, containers

CHECK_SECONDS = 30  # one check; podman itself ends it after the timeout in compose.yaml
# Between two rounds of checks: a round costs podman a second of CPU, which what starts needs more.
PAUSE_SECONDS = 1
RESTARTS = 3  # a service that stopped so often while it was waited for will not come up
# What the others get once one keeps stopping: they often wait for that one.
GRACE_SECONDS = 5
# The pipes service's words (runtime/internal/health) when only other code can cure it.
FINAL = "the code does not load"
LOG_LINES = 15


@dataclass(frozen=True)
class Health:
    """What a service's health check says of it."""

    healthy: bool
    says: str


def ask(project: Project, container: Container) -> Health:
    """Run the container's health check once."""
    if not container.running:
        return Health(healthy=False, says=container.state)
    if not container.has_health_check:
        return Health(healthy=True, says="has no health check")
    words = ["healthcheck", "run", container.name]
    failure = f"The health check of {container.service} does not end"
    try:
        result = podman(project, *words, failure=failure, check=False, timeout=CHECK_SECONDS)
    except UserError as error:
        return Health(healthy=False, says=str(error))
    seen = Container(inspect(project, [container.name])[0])
    said = seen.last_words or result.errors.strip() or result.output.strip()
    return Health(healthy=result.returncode == 0, says=said)


def ask_all(project: Project, present: list[Container]) -> list[Health]:
    """Run the health checks of all, at the same time."""
    if not present:
        return []
    with ThreadPoolExecutor(len(present)) as pool:
        return list(pool.map(lambda container: ask(project, container), present))


def wait(project: Project, seconds: float) -> None:
    """Wait until every service is healthy, each for at most `seconds`; print a line for each.

    Raises:
        UserError: with what the health check of each other service says, and its last log lines.

    """
    start = time.monotonic()
    restarts = {each.name: each.restarts for each in containers(project)}
    pending = set(restarts)
    failures: list[str] = []
    with console.err.status("Waiting for the services"):
        while pending:
            present = [each for each in containers(project) if each.name in pending]
            failures += [f"{name} was removed" for name in pending - {c.name for c in present}]
            pending = {each.name for each in present}
            for container, health in zip(present, ask_all(project, present), strict=True):
                spent = time.monotonic() - start
                stops = container.restarts - restarts[container.name] >= RESTARTS
                final = health.says.startswith(FINAL)
                if health.healthy:
                    console.finished(f"{container.service} is healthy", spent)
                elif stops or final or spent > seconds:
                    console.failed(f"{container.service} is not healthy")
                    failures.append(_failure(project, container, health))
                    if stops:
                        seconds = min(seconds, spent + GRACE_SECONDS)
                else:
                    continue
                pending.remove(container.name)
            if pending:
                time.sleep(PAUSE_SECONDS)
    if failures:
        raise UserError("\n".join(failures))


def _failure(project: Project, container: Container, health: Health) -> str:
    words = ["logs", "--tail", str(LOG_LINES), container.name]
    logged = podman(project, *words, failure="Podman does not show logs", check=False)
    lines = (logged.output + logged.errors).splitlines()[-LOG_LINES:]
    shown = "\n".join(f"  {line}" for line in lines)
    return (
        f"{container.service} is not healthy: {health.says}\n"
        f"The last lines of `./dagnix logs {container.service}`:\n{shown}"
    )
