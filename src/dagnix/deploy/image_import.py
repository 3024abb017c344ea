"""An image that was built elsewhere."""

from pathlib import Path

from dagnix import UserError, console
from dagnix.deploy import history
from dagnix.host.podman import images, podman
from dagnix.project import Project

PULL_SECONDS = 1800


def import_image(project: Project, reference: str) -> history.Release:
    """Return an image from an archive, podman's own, or a registry's.

    Raises:
        UserError: there is no such image, or it is none of a code location.

    """
    with console.step(f"Getting {reference}", f"{reference} is here"):
        if Path(reference).exists():
            failure = f"Podman cannot load {reference}"
            said = podman(project, "load", "--quiet", "--input", reference, failure=failure).output
            # "Loaded image: NAME", or "Loaded image: sha256:ID".
            found = said.strip().rpartition(" ")[2]
        else:
            found = _by_digest(project, reference)
            if podman(project, "image", "exists", found, failure="", check=False).returncode:
                failure = f"There is no file {found}, podman has no such image and cannot pull it"
                podman(project, "pull", "--quiet", found, failure=failure, timeout=PULL_SECONDS)
        failure = f"Podman does not show {found}"
        words = ["image", "inspect", "--format", "{{.Id}} {{json .Config.Cmd}}", found]
        image_id, _, command = (
            podman(project, *words, failure=failure).output.strip().partition(" ")
        )
    if "code-server" not in command:
        raise UserError(f"{reference} is no image of a code location: it does not serve code.")
    image_id = image_id.removeprefix("sha256:")
    return history.Release("image", image_id, history.from_label(project, image_id))


def _by_digest(project: Project, reference: str) -> str:
    """Return the ID of the image with this digest, or what was given."""
    if not reference.startswith("sha256:"):
        return reference
    known = {each.get("Digest"): each["Id"] for each in images(project)}
    return known.get(reference, reference)
