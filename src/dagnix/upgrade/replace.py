"""One service in another image, or in its old one again if it does not become healthy."""

from dagnix import UserError, console
from dagnix.images import tags
from dagnix.project import Project
from dagnix.stack import health
from dagnix.stack.compose import compose
from dagnix.stack.containers import Container, containers
from dagnix.upgrade.plan import Change


def replace(project: Project, change: Change, wait: float) -> None:
    """Replace a service's container; return when the new one is healthy.

    `wait` is how long it may take to become so, in seconds.

    Raises:
        UserError: it does not; the service has its old image again, and says how that is.

    """
    try:
        _make_anew(project, change.service, change.new)
        health.wait(project, wait, _container(project, change.service))
    except BaseException as error:
        put_back = _put_back(project, change, wait)
        if isinstance(error, UserError):
            raise UserError(f"{error}\n{put_back}") from error
        console.warned(put_back)
        raise


def _put_back(project: Project, change: Change, wait: float) -> str:
    if not change.old:
        return f"{change.service} had no container before."
    try:
        _make_anew(project, change.service, change.old)
        health.wait(project, wait, _container(project, change.service))
    except UserError as error:
        return f"{change.service} has its old image again ({change.before}), but: {error}"
    return (
        f"{change.service} has its old image again ({change.before}) and is healthy. What was "
        "replaced before it stays new; ./dagnix upgrade goes on from there."
    )


def _make_anew(project: Project, service: str, image_id: str) -> None:
    with console.step(f"Replacing {service}", f"{service} is replaced"):
        tags.tag(project, image_id, tags.name(project, service))
        failure = f"podman-compose cannot replace {service}"
        compose(project, "up", "--detach", "--force-recreate", service, failure=failure)


def _container(project: Project, service: str) -> Container:
    (found,) = (each for each in containers(project) if each.service == service)
    return found
