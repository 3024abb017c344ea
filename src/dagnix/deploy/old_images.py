"""Images that an instance does not need any more."""

import re

from dagnix import code_locations
from dagnix.deploy import history
from dagnix.host.podman import image_ids, podman
from dagnix.images import build, tags
from dagnix.project import Project


def remove(project: Project) -> None:
    """Remove what neither runs, nor is next to run, nor was deployed lately.

    An image that a container still has stays until the next call. Nobody else may change what the
    instance runs meanwhile (`stack.lease`).

    Raises:
        UserError: DAGNIX_IMAGES_KEPT is no number.

    """
    retained = project.images_kept
    next_to_run = image_ids(project, [tags.name(project, each) for each in build.names(project)])
    needed = set(next_to_run.values())
    for location in code_locations.names(project.root):
        needed.update(history.newest_images(project, location)[:retained])
    _remove(project, _own(project, but=needed))


def remove_all(project: Project) -> None:
    """Remove all images of an instance that has no container.

    The names in compose.yaml may be another instance's, too: those of images that are in use stay.
    """
    shared = []
    for name in image_ids(project, [tags.name(project, each) for each in build.names(project)]):
        words = ["ps", "--all", "--quiet", "--filter", f"ancestor={name}"]
        listed = podman(project, *words, failure="Podman does not list containers").output
        if not listed.strip():
            shared.append(name)
    _remove(project, [*_own(project, but=()), *shared])


def _own(project: Project, but: set[str] | tuple[()]) -> list[str]:
    """Return the instance's own names of images, but for those with these IDs."""
    words = ["images", "--no-trunc", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}"]
    mine = f"reference=localhost/dagnix/*:{project.name}-*"
    # It fails if another instance removes an image at this moment: the next call removes these.
    listed = podman(project, *words, "--filter", mine, failure="", check=False).output
    # Instance `dagnix` has no part in the names of `dagnix-staging`.
    pattern = re.compile(rf"localhost/dagnix/[^:]+:{re.escape(project.name)}-[0-9a-f]{{12}}")
    found = (line.split() for line in listed.splitlines())
    return [
        name
        for name, image_id in found
        if pattern.fullmatch(name) and image_id.removeprefix("sha256:") not in but
    ]


def _remove(project: Project, names: list[str]) -> None:
    if names:  # podman goes on after one that is in use
        podman(project, "rmi", *names, failure="", check=False)
