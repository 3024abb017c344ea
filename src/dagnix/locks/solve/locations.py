"""A code location's project → its own lock in nix/locks/locations/."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dagnix import code_locations
from dagnix.checkout import Checkout
from dagnix.locks import lockfile
from dagnix.locks.solve import changes, debian, dependencies, project_lock, python
from dagnix.locks.solve.take import Take
from dagnix.locks.systems import host_system

# The group of the checkout's lock that is for its developers alone.
DEV = "dev"


def update(
    checkout: Checkout, name: str, folder: Path, take: Take, *, interpreter: Path
) -> tuple[list[str], list[str]]:
    """Write the lock of a location anew and return what changed, and what is held back.

    What is locked and not to be taken anew stays. The Debian packages for its Python are locked as
    well. Nothing is written if any of it cannot be had.

    Raises:
        UserError: pip finds no packages that fit, or apt, or the project cannot be read.

    """
    path = code_locations.lock(checkout.root, name)
    old = lockfile.read(path)
    new, held_back = of(checkout, name, folder, take, interpreter=interpreter)
    shared = lockfile.read(checkout.locked("python"))
    python.add_sizes(checkout, new, shared.get("packages", {}), old.get("packages", {}))
    # First, as an image that has these needs those.
    is_new = not old.get("packages") or old["python"] != new["python"]
    debs = debian.add_location(checkout, name, folder, new["python"], is_new=is_new)
    lockfile.write(path, new)
    return [*changes.describe(old.get("packages", {}), new["packages"]), *debs], held_back


def of(
    checkout: Checkout, name: str, folder: Path, take: Take, *, interpreter: Path
) -> tuple[dict[str, Any], list[str]]:
    """Return the lock of a location that follows from the one it has, and what is held back.

    A first lock begins with the versions of the other images, so that it shares their layers where
    its dependencies allow that. The constraints of the other images do not hold for it, but its
    Dagster is not newer than the webserver's. Its Python is the first of nix/debian.toml that its
    project runs on. It has no sizes of files that no lock has.

    Raises:
        UserError: pip finds no packages that fit, or the project cannot be read.

    """
    old = lockfile.read(code_locations.lock(checkout.root, name))
    shared = lockfile.read(checkout.locked("python"))
    project = dependencies.of(checkout, folder)
    lists = python.Lists(
        {name: project.requirements},
        [*python.location_constraints(checkout), *project.constraints],
        (project.file,),
        {project.file: project.python},
        shared["packages"][host_system().name]["dagster"]["version"],
        project_lock.find(checkout, folder, name, project),
        (name, folder),
        project.members,
        debian.named(checkout, name, folder),
    )
    packages = old.get("packages") or without_dev(shared)
    of_python = (old if old.get("packages") else shared)["python"]
    solved, held_back = python.solved(checkout, interpreter, lists, packages, of_python, take)
    return {"folder": str(folder.relative_to(checkout.root)), **solved}, held_back


def without_dev(lock: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the packages of the checkout's lock by system, without those of the dev shell alone.

    No image has these, so there is no layer to share.
    """
    found = {}
    for system, packages in lock.get("packages", {}).items():
        groups = lock["groups"][system].items()
        names = {name for group, its in groups if group != DEV for name in its}
        found[system] = {name: packages[name] for name in sorted(names)}
    return found
