"""Images that another environment runs: taken over as they are, not built again."""

from dagnix import UserError, code_locations, console
from dagnix.deploy import code_containers, history
from dagnix.images import build, tags
from dagnix.project import Project, of_environment
from dagnix.stack.containers import containers


def code(project: Project, environment: str, service: str) -> history.Release:
    """Return the image of a location that another environment serves.

    Raises:
        UserError: there is no such environment, or it does not serve the location.

    """
    other = _other(project, environment)
    image_id = code_containers.require_running(other, service).image_id
    entries = [each for each in history.of(other, service) if each.image == image_id]
    origin = (
        (entries[-1].revision, entries[-1].dirty)
        if entries
        else history.from_label(project, image_id)
    )
    return history.Release(f"from {environment}", image_id, origin)


def host_images(project: Project, environment: str) -> dict[str, str]:
    """Return the IDs of all images that another environment runs, by their names, but for code's.

    `backup` has none of its own: it runs Postgres's.

    Raises:
        UserError: there is no such environment, or not all of its services have a container.

    """
    other = _other(project, environment)
    theirs = code_locations.names(project.root)
    found = {each.service: each.image_id for each in containers(other)}
    desired = [name for name in build.names(project) if name not in theirs]
    if missing := [name for name in desired if name not in found]:
        raise UserError(f"{other.name} has no container of {', '.join(missing)} to take over.")
    return {name: found[name] for name in desired}


def take_over(project: Project, environment: str) -> None:
    """Give those images this environment's names. Raises as `host_images`."""
    found = host_images(project, environment)
    with console.step(f"Taking over the images of {environment}"):
        for service, image_id in found.items():
            tags.retain(project, service, image_id)
            tags.give_compose_name(project, service, image_id)


def _other(project: Project, environment: str) -> Project:
    other = of_environment(environment)
    if other.name == project.name:
        raise UserError(
            f"{environment} is this environment itself: choose one to go to with --env."
        )
    return other
