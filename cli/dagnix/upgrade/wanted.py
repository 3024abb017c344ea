"""The images that are to run: the working tree's, or another environment's."""

from collections.abc import Mapping
from dataclasses import dataclass

from dagnix import images
from dagnix.code import SERVICE
from dagnix.deploy import generations, history, promotion
from dagnix.project import Project

# What history.jsonl says of an image that the checkout did not make.
FROM_ELSEWHERE = ("image", "from ")


@dataclass(frozen=True)
class Wanted:
    """Image IDs by service; `how` and `origin` of the code are for the history of deploys."""

    images: Mapping[str, str]
    how: str
    origin: history.Origin


def of_tree(project: Project) -> Wanted:
    """Build the working tree's images and give them to podman, under no name yet.

    Raises:
        UserError: Nix cannot build them, or podman does not take them.

    """
    origin = history.of_checkout(project)
    layouts = images.build(project)
    found = {each.service: images.bring(project, each) for each in layouts}
    if code_from_elsewhere(project):
        found[SERVICE] = generations.serving(project).image_id
    return Wanted(found, "upgrade", origin)


def of_environment(project: Project, environment: str) -> Wanted:
    """Return the images that another environment runs.

    Raises:
        UserError: there is no such environment, or not all of its services have a container.

    """
    image_id, origin = promotion.code(project, environment)
    found = promotion.host_images(project, environment)
    return Wanted({**found, SERVICE: image_id}, f"from {environment}", origin)


def code_from_elsewhere(project: Project) -> bool:
    """Tell whether the code that is served was deployed from elsewhere, not from this checkout."""
    image_id = generations.serving(project).image_id
    entries = [each for each in history.of(project) if each.image == image_id]
    return bool(entries) and entries[0].how.startswith(FROM_ELSEWHERE)


def code_stays(project: Project, wanted: Wanted) -> bool:
    """Tell whether the code stays because it was deployed from elsewhere."""
    serves = generations.serving(project).image_id
    return wanted.images[SERVICE] == serves and code_from_elsewhere(project)
