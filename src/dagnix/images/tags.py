"""The names of the images that code servers are made from."""

from dagnix import images
from dagnix.project import Project

ID_CHARACTERS = 12


def kept_tag(project: Project, image_id: str) -> str:
    """Return the tag that an image keeps when the instance's own tag moves on."""
    return f"{project.name}-{image_id[:ID_CHARACTERS]}"


def kept_name(project: Project, service: str, image_id: str) -> str:
    """Return the image's name with that tag."""
    return images.name(project.with_tag(kept_tag(project, image_id)), service)


def keep(project: Project, service: str, image_id: str) -> None:
    """Give an image the name by which it can be gone back to."""
    images.tag(project, image_id, kept_name(project, service, image_id))


def make_current(project: Project, service: str, image_id: str) -> None:
    """Give an image the name in compose.yaml: it is what the service is made from next time."""
    images.tag(project, image_id, images.name(project, service))
