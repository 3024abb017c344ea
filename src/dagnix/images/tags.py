"""The tags of images: the instance's own, which compose.yaml names, and those that keep others.

podman removes an image that has no tag when it is asked to make room. So each image that is to be
gone back to, or is about to be used, has a tag beside the instance's.
"""

from collections.abc import Mapping

from dagnix.host.podman import podman
from dagnix.project import Project

ID_CHARACTERS = 12


def name(project: Project, service: str) -> str:
    """Return the name of a service's image in compose.yaml."""
    return f"localhost/dagnix/{service}:{project.version}"


def tag(project: Project, image_id: str, name: str) -> None:
    """Give an image a name."""
    podman(project, "tag", image_id, name, failure=f"Podman cannot name {name}")


def make_current(project: Project, service: str, image_id: str) -> None:
    """Give an image the name in compose.yaml: the service's next container is made from it."""
    tag(project, image_id, name(project, service))


def retained_tag(project: Project, image_id: str) -> str:
    """Return the tag that an image retains when the instance's own tag moves on."""
    return f"{project.name}-{image_id[:ID_CHARACTERS]}"


def retained_name(project: Project, service: str, image_id: str) -> str:
    """Return the image's name with that tag."""
    return name(project.with_tag(retained_tag(project, image_id)), service)


def retain(project: Project, service: str, image_id: str) -> None:
    """Give an image the name by which it can be gone back to."""
    tag(project, image_id, retained_name(project, service, image_id))


def upgrade_tag(project: Project, image_id: str) -> str:
    """Return the tag of an image while an upgrade looks at it."""
    return f"{project.name}-upgrade-{image_id[:ID_CHARACTERS]}"


def for_upgrade(project: Project, service: str, image_id: str) -> Project:
    """Give an image that tag, and return the project whose compose.yaml uses it."""
    tagged = project.with_tag(upgrade_tag(project, image_id))
    tag(project, image_id, name(tagged, service))
    return tagged


def drop_upgrade_tags(project: Project, desired: Mapping[str, str]) -> None:
    """Remove the tags that `for_upgrade` gave; `desired` are image IDs by service."""
    for service, image_id in desired.items():
        tagged = name(project.with_tag(upgrade_tag(project, image_id)), service)
        podman(project, "untag", image_id, tagged, failure="", check=False)
