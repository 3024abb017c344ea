"""`./dagnix load`."""

from dagnix import images, locations, project
from dagnix.locations.faults import Faults


def command() -> None:
    """Build the images if they are not, and load those into podman that it lacks."""
    here = project.current()
    faults = Faults(locations.unreadable(here.root))
    images.load(here, images.build_each(here, faults))
    faults.tell("All else is loaded")
