"""Images that an instance does not need any more."""

import json
import re
from contextlib import suppress

from dagnix import UserError, code_locations
from dagnix.deploy import history
from dagnix.host.podman import image_ids, podman
from dagnix.images import build, tags
from dagnix.polling import wait_until
from dagnix.project import Project

LIST_SECONDS, PAUSE_SECONDS = 10, 0.2  # for a list of podman's that fails

# The tag under which an instance retains an image: its name and the first characters of the ID.
RETAINED = re.compile(rf"-[0-9a-f]{{{tags.ID_CHARACTERS}}}$")


def remove(project: Project) -> None:
    """Remove what neither runs, nor is next to run, nor was deployed lately.

    An image that a container still has stays until the next call. Nobody else may change what the
    instance runs meanwhile (`stack.lease`).

    Raises:
        UserError: DAGNIX_IMAGES_KEPT is no number.

    """
    next_to_run = image_ids(project, [tags.name(project, each) for each in build.names(project)])
    needed = set(next_to_run.values())
    for location in code_locations.names(project.root):
        needed.update(history.newest_images(project, location)[: project.images_kept])
    _remove(project, _retained(project, but=needed))


def remove_all(project: Project) -> None:
    """Remove all images of an instance that has no container.

    With the default tag the names in compose.yaml are other instances', too: those of an image that
    one of these retains stay.
    """
    _remove(project, _retained(project, but=()))
    names = [tags.name(project, each) for each in build.names(project)]
    if project.has_default_tag:
        failure = "Podman does not show images"
        shown = podman(project, "image", "inspect", *names, failure=failure, check=False)
        for image in json.loads(shown.output or "[]"):
            if any(map(RETAINED.search, image["RepoTags"])):
                names = [name for name in names if name not in image["RepoTags"]]
    _remove(project, names)


def _retained(project: Project, but: set[str] | tuple[()]) -> list[str]:
    """Return the names under which the instance retains images, but for those with these IDs."""
    words = ["images", "--no-trunc", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}"]
    mine = f"reference=localhost/dagnix/*:{project.name}-*"
    lines: list[str] = []

    def listed() -> bool:
        told = podman(project, *words, "--filter", mine, failure="", check=False)
        lines[:] = told.output.splitlines()
        return told.returncode == 0

    # It fails if another instance removes an image that podman was about to look at.
    with suppress(UserError):  # the next call removes these
        wait_until(listed, "Podman does not list images", seconds=LIST_SECONDS, pause=PAUSE_SECONDS)
    # Instance `dagnix` has no part in the names of `dagnix-staging`.
    its = re.compile(rf":{re.escape(project.name)}{RETAINED.pattern}")
    found = (line.split() for line in lines)
    return [
        name
        for name, image_id in found
        if its.search(name) and image_id.removeprefix("sha256:") not in but
    ]


def _remove(project: Project, names: list[str]) -> None:
    if names:  # podman goes on after one that is in use
        podman(project, "rmi", *names, failure="", check=False)
