"""What an edit of one line of code costs, until it is an image and until it is served."""

from dagnix.bench import edited_image, served
from dagnix.bench.figure import Figure
from dagnix.project import Project


def figures(project: Project) -> list[Figure]:
    """Return times and bytes, those of an image beside what `podman build` needs for the same."""
    return [*edited_image.figures(project), *served.mounted(project), *served.baked(project)]
