"""The Debian packages that the lock gives each image."""

import json

from support.stack import ROOT

SYSTEM = "x86_64-linux"
# Groups of nix/debian.toml in each image; those of one image alone need not be there.
GROUPS = {
    "webserver": {"base", "webserver", "programs"},
    "daemon": {"base", "daemon", "programs"},
    "pipes": {"base", "pipes", "programs"},
    "postgres": {"postgres"},
}
# Of these only single files are in the image.
OF_SINGLE_FILES = {"gate": {"ca-certificates"}}


def locked(service: str) -> dict[str, str]:
    """Return name → version of the packages in a service's image."""
    lock = json.loads((ROOT / "nix" / "locks" / "debian.json").read_text())
    groups, packages = lock["groups"][SYSTEM], lock["packages"][SYSTEM]
    names = OF_SINGLE_FILES.get(service) or {
        name for group in GROUPS[service] & groups.keys() for name in groups[group]
    }
    return {name: packages[name]["version"] for name in names}
