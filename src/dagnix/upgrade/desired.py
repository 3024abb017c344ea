"""The images that are to run: the working tree's, or another environment's."""

from collections.abc import Mapping
from dataclasses import dataclass

from dagnix import code_locations
from dagnix.deploy import code_containers, history, promotion
from dagnix.deploy.history import Release
from dagnix.faults import Faults
from dagnix.images import build, load
from dagnix.project import Project

# What the history says of an image that the checkout did not make.
FROM_ELSEWHERE = ("image", "from ")


@dataclass(frozen=True)
class Desired:
    """Image IDs by service, and what is to be deployed of each code location."""

    hosts: Mapping[str, str]
    releases: Mapping[str, Release]

    @property
    def images(self) -> dict[str, str]:
        """All image IDs by service."""
        return {**self.hosts, **{name: each.image_id for name, each in self.releases.items()}}


def of_tree(project: Project, faults: Faults) -> Desired:
    """Build the working tree's images and give them to podman, under no name yet.

    A code location that cannot be built has a fault, and keeps the image that is served.

    Raises:
        UserError: Nix cannot build another image, or podman does not take one.

    """
    names = code_locations.names(project.root)
    origins = {name: history.of_checkout(project, name) for name in names}
    layouts = build.build_each(project, faults)
    found = {each.name: load.ensure(project, each) for each in layouts}
    releases = {}
    for name in names:
        with faults.of(name):
            served = _served(project, name)
            stays = name in faults or code_from_elsewhere(project, name)
            releases[name] = Release("upgrade", served if stays else found[name], origins[name])
    return Desired({name: it for name, it in found.items() if name not in names}, releases)


def of_environment(project: Project, environment: str, faults: Faults) -> Desired:
    """Return the images that another environment runs.

    A code location that it does not serve has a fault, and keeps the image that is served here.

    Raises:
        UserError: there is no such environment, or not all of its services have a container.

    """
    hosts = promotion.host_images(project, environment)
    releases = {}
    for name in code_locations.names(project.root):
        with faults.of(name):
            releases[name] = promotion.code(project, environment, name)
        if name in faults:
            with faults.of(name):
                origin = history.of_checkout(project, name)
                releases[name] = Release("upgrade", _served(project, name), origin)
    return Desired(hosts, releases)


def code_from_elsewhere(project: Project, location: str) -> bool:
    """Tell whether the code that is served was deployed from elsewhere, not from this checkout."""
    image_id = _served(project, location)
    entries = [each for each in history.of(project, location) if each.image == image_id]
    return bool(entries) and entries[0].how.startswith(FROM_ELSEWHERE)


def code_that_stays(project: Project, desired: Desired) -> set[str]:
    """Return the code locations whose code stays because it was deployed from elsewhere."""
    return {
        name
        for name, release in desired.releases.items()
        if release.image_id == _served(project, name) and code_from_elsewhere(project, name)
    }


def _served(project: Project, location: str) -> str:
    return code_containers.require_running(project, location).image_id
