"""The tags of images: the one in compose.yaml, and one by which the instance retains each image.

An image without a tag goes when podman makes room, and nobody knows whose it is. So an instance
retains each from the moment that podman has it, until `deploy.old_images` removes it.
"""

from dagnix.host.podman import podman
from dagnix.project import Project

ID_CHARACTERS = 12  # of an image's ID in a tag


def name(project: Project, service: str) -> str:
    """Return the name of a service's image in compose.yaml."""
    return f"localhost/dagnix/{service}:{project.version}"


def tag(project: Project, image_id: str, name: str) -> None:
    """Give an image a name."""
    podman(project, "tag", image_id, name, failure=f"Podman cannot name {name}")


def give_compose_name(project: Project, service: str, image_id: str) -> None:
    """Give an image the name in compose.yaml: the service's next container is made from it."""
    tag(project, image_id, name(project, service))


def retained_name(project: Project, service: str, image_id: str) -> str:
    """Return the name by which an image stays with the instance when that in compose.yaml moves on.

    `deploy.old_images` removes it.
    """
    return name(project.with_tag(f"{project.name}-{image_id[:ID_CHARACTERS]}"), service)


def retain(project: Project, service: str, image_id: str) -> None:
    """Give an image that name."""
    tag(project, image_id, retained_name(project, service, image_id))


def under_retained_name(project: Project, service: str, image_id: str) -> Project:
    """Retain an image; return the project whose compose.yaml uses it under that name."""
    retain(project, service, image_id)
    return project.with_tag(retained_name(project, service, image_id).rpartition(":")[2])
