"""Environment markers (PEP 508) as another machine has them, and another version of Python."""

from collections.abc import Iterable, Mapping

from packaging.markers import default_environment
from packaging.requirements import Requirement

Environment = Mapping[str, str]


def environment(machine: str, version: str) -> Environment:
    """Return what markers are evaluated with; `machine` as uname says it, `version` in full."""
    return {
        **default_environment(),
        "platform_machine": machine,
        "python_version": ".".join(version.split(".")[:2]),
        "python_full_version": version,
        "implementation_version": version,
    }


def holds(requirement: Requirement, environment: Environment, extras: Iterable[str] = ()) -> bool:
    """Tell whether a requirement is one there: of the package itself, or of any of these extras."""
    marker = requirement.marker
    return marker is None or any(
        marker.evaluate({**environment, "extra": extra}) for extra in (tuple(extras) or ("",))
    )


def without(requirement: Requirement) -> Requirement:
    """Return the requirement without its marker."""
    bare = Requirement(str(requirement))
    bare.marker = None
    return bare
