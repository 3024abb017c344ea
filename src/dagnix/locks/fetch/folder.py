"""Fills a folder with all locked files, for DAGNIX_FILES to name later."""

import shutil
from pathlib import Path

from dagnix.locks.fetch import golang
from dagnix.locks.inputs import Inputs


def fill(directory: Path, inputs: Inputs) -> int:
    """Copy to the folder what it does not have; return how many files that were.

    All inputs must be in the store. Files of earlier commits stay: names never clash.
    """
    directory.mkdir(parents=True, exist_ok=True)
    copied = 0
    for file in inputs.files:
        target = directory / file.name
        if target.exists() and target.stat().st_size == file.size:
            continue
        beside = directory / f".{file.name}.new"
        shutil.copyfile(file.store_path, beside)
        beside.replace(target)
        copied += 1
    for vendor in inputs.vendors:
        tar = directory / golang.archive_name(vendor)
        if not tar.exists():
            golang.pack(Path(vendor.store_path), tar)
            copied += 1
    return copied
