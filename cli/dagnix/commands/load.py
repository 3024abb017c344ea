"""`./dagnix load`."""

from dagnix import images, project


def command() -> None:
    """Build the images if they are not, and load those into podman that it lacks."""
    here = project.current()
    images.load(here, images.build(here))
