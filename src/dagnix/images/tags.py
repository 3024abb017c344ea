"""The tags of images: the instance's own, which compose.yaml names, and those that keep others.

podman removes an image that has no tag when it makes room. So each image that is about to
be used, or to be gone back to, has a tag that no other instance has.
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


def make_current(project: Project, service: str, image_id: str) -> None:
    """Give an image the name in compose.yaml: the service's next container is made from it."""
    tag(project, image_id, name(project, service))


def own_name(project: Project, service: str, image_id: str) -> str:
    """Return the name by which an image stays with the instance when that in compose.yaml moves on.

    `deploy.old_images` removes it.
    """
    return name(project.with_tag(f"{project.name}-{image_id[:ID_CHARACTERS]}"), service)


def retain(project: Project, service: str, image_id: str) -> None:
    """Give an image the instance's own name, by which it can be gone back to."""
    tag(project, image_id, own_name(project, service, image_id))


def under_own_name(project: Project, service: str, image_id: str) -> Project:
    """Give an image its own name; return the project whose compose.yaml uses it under that."""
    retain(project, service, image_id)
    return project.with_tag(own_name(project, service, image_id).rpartition(":")[2])
