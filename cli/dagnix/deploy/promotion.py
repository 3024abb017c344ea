"""Images that another environment runs: taken over as they are, not built again."""

from dagnix import UserError, console, images
from dagnix.deploy import generations, history
from dagnix.project import Project, of_environment
from dagnix.stack import containers


def code(project: Project, environment: str) -> tuple[str, history.Origin]:
    """Return the ID and the origin of the pipes image that another environment serves.

    Raises:
        UserError: there is no such environment, or it serves no code.

    """
    other = _other(project, environment)
    image_id = generations.serving(other).image_id
    entries = [each for each in history.of(other) if each.image == image_id]
    if entries:
        return image_id, (entries[-1].revision, entries[-1].dirty)
    return image_id, history.from_label(project, image_id)


def host_images(project: Project, environment: str) -> dict[str, str]:
    """Return the IDs, by service, of all images that another environment runs, but for its code's.

    Raises:
        UserError: there is no such environment, or not all of its services have a container.

    """
    other = _other(project, environment)
    found = {each.service: each.image_id for each in containers(other)}
    if missing := [name for name in images.NAMES if name not in found]:
        raise UserError(f"{other.name} has no container of {', '.join(missing)} to take over.")
    return {name: image_id for name, image_id in found.items() if name != generations.SERVICE}


def take_over(project: Project, environment: str) -> None:
    """Give those images this environment's names. Raises as `host_images`."""
    found = host_images(project, environment)
    with console.step(f"Taking over the images of {environment}"):
        for service, image_id in found.items():
            images.tag(project, image_id, images.name(project, service))


def _other(project: Project, environment: str) -> Project:
    other = of_environment(environment)
    if other.name == project.name:
        raise UserError(
            f"{environment} is this environment itself: choose one to go to with --env."
        )
    return other
