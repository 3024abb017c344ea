"""`./dagnix load`."""

from dagnix import images, locations, project
from dagnix.deploy.turns import turn
from dagnix.locations.faults import Faults


def command() -> None:
    """Build the images if they are not, and load those into podman that it lacks."""
    here = project.current()
    faults = Faults(locations.unreadable(here.root))
    layouts = images.build_each(here, faults)
    with turn(here):
        images.load(here, layouts)
    faults.tell("All else is loaded")
