"""The names of the images that code servers are made from."""

from dagnix import images
from dagnix.project import Project


def keep(project: Project, service: str, image_id: str) -> None:
    """Give an image the name by which it can be gone back to."""
    images.tag(project, image_id, images.own_name(project, service, image_id))


def make_current(project: Project, service: str, image_id: str) -> None:
    """Give an image the name in compose.yaml: it is what the service is made from next time."""
    images.tag(project, image_id, images.name(project, service))
