"""The seed of each system: the hash of a directory that holds nothing but busybox."""

import tempfile
from pathlib import Path
from typing import Any

from dagnix.checkout import Checkout
from dagnix.locks import store
from dagnix.locks.fetch import download, seed
from dagnix.locks.inputs import debian_files

BUSYBOX = "busybox-static"


def of(checkout: Checkout, new: dict[str, Any], old: dict[str, Any]) -> dict[str, str]:
    """Return system → seed of the new lock; raises UserError if a busybox cannot be had."""
    seeds = {
        system: old["seed"][system]
        for system, packages in new["packages"].items()
        if old.get("seed", {}).get(system)
        and packages[BUSYBOX]["sha256"] == old["packages"][system][BUSYBOX]["sha256"]
    }
    files = [
        file
        for system in new["packages"].keys() - seeds.keys()
        for file in debian_files(new, system)
        if file.package == BUSYBOX
    ]
    download.files(checkout, files)
    for file in files:
        with tempfile.TemporaryDirectory() as scratch:
            directory = Path(scratch) / "seed"
            seed.unpack(Path(file.store_path), directory)
            seeds[file.system] = store.hash_directory(directory)
    return seeds
