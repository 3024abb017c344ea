"""The updates that `./dagnix lock --security` takes, without taking them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dagnix import code_locations
from dagnix.checkout import Checkout
from dagnix.faults import Faults
from dagnix.locks import lockfile
from dagnix.locks.solve import debian, locations, python
from dagnix.locks.solve.security import outdated
from dagnix.locks.solve.take import Take
from dagnix.locks.updates import Update

Versions = Mapping[str, Mapping[str, str]]  # system → package → its newest version


def of_debian(checkout: Checkout, faults: Faults) -> list[Update]:
    """Return the security updates of locked Debian packages.

    A code location whose list cannot be read is a fault of its own. Raises UserError if the mirrors
    do not answer, or their indexes are not signed as they should be or too old.
    """
    found = []
    for name in debian.pythons(checkout):
        lock = debian.lock_of(name)
        old = lockfile.read(checkout.locked(lock))
        suite = debian.read_lists(checkout, faults, name).suite
        apts = debian.open_apt(checkout, suite, current=True)
        found += _compared(lock, old, outdated(apts, old))
    return found


def of_python(checkout: Checkout, interpreter: Path | None, faults: Faults) -> list[Update]:
    """Return the patch releases of locked Python packages that fit together.

    `interpreter` has pip and packaging; None for that of the built command line. A code location of
    which they cannot be had is a fault of its own. Raises UserError if the index does not answer.
    """
    solver = interpreter or python.built(checkout)
    old = lockfile.read(checkout.locked("python"))
    found = []
    with faults.of(code_locations.FIRST):
        new, _ = python.of_images(checkout, solver, old, Take.SECURITY)
        found += _compared("python", old, _patched(old, new))
    for name, folder in code_locations.others(checkout.root).items():
        with faults.of(name):
            old = lockfile.read(code_locations.lock(checkout.root, name))
            new, _ = locations.of(checkout, name, folder, Take.SECURITY, interpreter=solver)
            found += _compared(f"locations/{name}", old, _patched(old, new))
    return found


def _patched(old: Mapping[str, Any], new: Mapping[str, Any]) -> Versions:
    """Return those of a lock's packages that another one has in a patch release."""
    return {
        system: {
            name: packages[name]["version"]
            for name, entry in old.get("packages", {}).get(system, {}).items()
            if name in packages
            and packages[name]["version"] != entry["version"]
            and python.series(packages[name]["version"]) == python.series(entry["version"])
        }
        for system, packages in new["packages"].items()
    }


def _compared(lock: str, old: Mapping[str, Any], newest: Versions) -> list[Update]:
    """Return an update for each package that has a newer version, with the systems it is for."""
    systems: dict[tuple[str, str, str], list[str]] = {}
    for system, versions in newest.items():
        for name, version in versions.items():
            locked = old["packages"][system][name]["version"]
            systems.setdefault((name, locked, version), []).append(system)
    return [
        Update(*key, lock, _groups(old, key[0]), tuple(sorted(where)))
        for key, where in sorted(systems.items())
    ]


def _groups(lock: Mapping[str, Any], package: str) -> tuple[str, ...]:
    """Return what a package is for."""
    return tuple(
        sorted(
            {
                group
                for groups in lock["groups"].values()
                for group, names in groups.items()
                if package in names
            }
        )
    )
