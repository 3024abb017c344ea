"""What the Python lock has for this machine, as lists for pip."""

import os
from pathlib import Path
from typing import Any

from bench.services import SERVICES
from dagnix.checkout import Checkout
from dagnix.locks import lockfile
from dagnix.locks.systems import host_system

CODE = "pipes"  # the group of the code location's packages


def checkout(root: Path) -> Checkout:
    """Return where things stand in a copy of a checkout."""
    own = (root / "nix" / "locks" / "python.json").exists()
    return Checkout(root, root if own else Path(os.environ["DAGNIX_SOURCE"]))


def path(root: Path) -> Path:
    """Return the lock of a checkout, or where its own will be."""
    return checkout(root).lock("python")


def lock(root: Path) -> dict[str, Any]:
    """Return the lock that a checkout is built from."""
    return lockfile.read(checkout(root).locked("python"))


def groups(lock: dict[str, Any]) -> dict[str, list[str]]:
    """Return group → names of packages."""
    return lock["groups"][host_system().name]


def requirements(lock: dict[str, Any]) -> dict[str, list[str]]:
    """Return pip's requirements: `common` of all three images, and what each has beside it."""
    named = {service: set(groups(lock)[service]) for service in SERVICES}
    common = set.intersection(*named.values())
    lists = {"common": common, **{service: own - common for service, own in named.items()}}
    return {name: pinned(lock, sorted(packages)) for name, packages in lists.items()}


def spare(lock: dict[str, Any]) -> list[str]:
    """Return the packages of the dev shell that the code location lacks, the smallest first."""
    packages = lock["packages"][host_system().name]
    names = set(groups(lock)["dev"]) - set(groups(lock)[CODE])
    return sorted(names, key=lambda name: (packages[name]["size"], name))


def pinned(lock: dict[str, Any], names: list[str]) -> list[str]:
    """Return requirements of exactly the locked versions."""
    packages = lock["packages"][host_system().name]
    return [f"{name}=={packages[name]['version']}" for name in names]
