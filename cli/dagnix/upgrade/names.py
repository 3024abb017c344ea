"""Names of images that are about to be used, beside those in compose.yaml."""

from collections.abc import Mapping

from dagnix import images
from dagnix.podman import podman
from dagnix.project import Project

ID_CHARACTERS = 12


def tag_of(project: Project, image_id: str) -> str:
    """Return the tag of an image that is about to be used, beside the one in compose.yaml."""
    return f"{project.name}-upgrade-{image_id[:ID_CHARACTERS]}"


def as_named(project: Project, service: str, image_id: str) -> Project:
    """Name an image, and return the project whose compose.yaml uses it under that name."""
    named = project.with_tag(tag_of(project, image_id))
    images.tag(project, image_id, images.name(named, service))
    return named


def forget(project: Project, wanted: Mapping[str, str]) -> None:
    """Remove the names that `as_named` gave; `wanted` are image IDs by service."""
    for service, image_id in wanted.items():
        name = images.name(project.with_tag(tag_of(project, image_id)), service)
        podman(project, "untag", image_id, name, failure="", check=False)
