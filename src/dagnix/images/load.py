"""Images, loaded into podman where it lacks them."""

from collections.abc import Iterable

from dagnix import UserError, console
from dagnix.host.podman import image_ids, podman
from dagnix.images import tags
from dagnix.images.layout import Layout
from dagnix.process import CommandError
from dagnix.project import Project

# `podman pull` of local blobs; a slow disk may need minutes.
PULL_SECONDS = 600


def load(project: Project, layouts: list[Layout]) -> None:
    """Give podman the images that it lacks, under their names.

    Raises:
        UserError: podman's storage is full, or podman does not take an image.

    """
    with console.step("Loading the images", "Images are loaded") as step:
        current = image_ids(project, [tags.name(project, layout.name) for layout in layouts])
        loaded = []
        for layout in layouts:
            own = tags.name(project, layout.name)
            if current.get(own) != layout.image_id:
                step.show(f"Loading {layout.name}")
                tags.tag(project, ensure(project, layout), own)
                loaded.append(layout.name)
        if loaded:
            step.done = f"Images loaded: {', '.join(loaded)}"


def ensure(project: Project, layout: Layout) -> str:
    """Give podman an image if it lacks it; return its ID. Raises as `load`.

    The instance retains it; the name in compose.yaml stays what it was.
    """
    retained = tags.retained_name(project, layout.name, layout.image_id)
    words = ["tag", layout.image_id, retained]
    if layout.new or podman(project, *words, failure="", check=False).returncode:
        _pull(project, layout, retained)
    return layout.image_id


def available(project: Project, services: Iterable[str]) -> set[str]:
    """Return those of the services whose image podman has, under its name in compose.yaml."""
    by_name = {tags.name(project, service): service for service in services}
    return {by_name[each] for each in image_ids(project, by_name) if each in by_name}


def _pull(project: Project, layout: Layout, retained: str) -> None:
    failure = f"Podman cannot load {layout.folder}"
    words = ["pull", "--quiet", f"oci:{layout.folder}"]
    try:
        podman(project, *words, failure=failure, timeout=PULL_SECONDS)
        tags.tag(project, layout.image_id, retained)
        # Podman 4 names the image after the folder, which says nothing to anyone.
        words = ["untag", layout.image_id, f"localhost{layout.folder}"]
        podman(project, *words, failure=failure, check=False)
    except CommandError as error:
        if not error.result.no_space:
            raise
        words = ["info", "--format", "{{.Store.GraphRoot}}"]
        root = podman(project, *words, failure="Podman does not tell its storage").output.strip()
        raise UserError(
            f"Podman's storage at {root} is full: make room with `podman image prune`, or give it "
            "a larger disk (graphroot in storage.conf)."
        ) from error
