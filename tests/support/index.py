"""A Python index on loopback that has what is locked here, beside packages of a test's own."""

import json
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dagnix.checkout import Checkout
from dagnix.locks import inputs, lockfile
from dagnix.locks.solve import python
from dagnix.locks.systems import SYSTEMS
from support.fakes import Index, Server
from support.locks import LOCK, SYSTEM
from support.stack import ROOT

# What a source archive says of its build, which needs nothing but that.
BUILT_WITH_SETUPTOOLS = {"pyproject.toml": "[build-system]\nrequires = ['setuptools']\n"}


@contextmanager
def serving(folder: Path, packages: Collection[str] = ()) -> Iterator[tuple[Index, dict[str, str]]]:
    """Serve some locked packages, or all that the code location `pipes` has, with setuptools.

    Beside the index are the variables with which pip asks it.
    """
    made = Index(folder / "simple")
    lock = lockfile.read(ROOT / LOCK)
    wanted = packages or {*lock["groups"][SYSTEM]["pipes"], "setuptools"}
    for file in inputs.python_files(lock, SYSTEM):
        if file.package in wanted:
            # The other machine's files are not here: these have their names.
            names = {
                file.name.replace(SYSTEMS[SYSTEM].machine, system.machine)
                for system in SYSTEMS.values()
            }
            made.take(file.package, Path(file.store_path), names)
    server = Server(folder)
    try:
        yield made, {"PIP_INDEX_URL": f"{server.url}/simple", "no_proxy": "127.0.0.1"}
    finally:
        server.stop()


def add_to_lock(tree: Path, package: str) -> dict[str, dict[str, Any]]:
    """Have a checkout's `pipes` depend on a package; return what the lock has of it by system."""
    pipes = tree / "pipes"
    lists = python.Lists(
        {"pipes": [package]}, [], (pipes / "pyproject.toml",), {}, location=("pipes", pipes)
    )
    solved, _ = python.solved(Checkout(tree, tree), Path(sys.executable), lists, {})
    lock = lockfile.read(tree / LOCK)
    for system, packages in solved["packages"].items():
        lock["packages"][system] |= packages
        lock["groups"][system]["pipes"].append(package)
    (tree / LOCK).write_text(json.dumps(lock))
    return {system: packages[package] for system, packages in solved["packages"].items()}
