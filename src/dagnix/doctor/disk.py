"""Room on the disks."""

import shutil
from pathlib import Path

from dagnix.doctor.finding import Finding, ok, problem

GIB = 1024**3
STORE_BYTES = 3 * GIB  # downloads, unpacked trees and layers of the first build
IMAGE_BYTES = 2 * GIB  # the four images unpacked, and room for the next ones


def disk(subject: str, folder: Path, desired: int) -> Finding:
    """Judge the free bytes on the file system that `folder` is on, or will be."""
    free = free_bytes(folder)
    says = f"{free / GIB:.1f} GiB free at {folder}"
    if free >= desired:
        return ok(subject, says)
    cure = (
        f"make room: {desired / GIB:.0f} GiB are needed (nix-collect-garbage, podman image prune)"
    )
    return problem(subject, says, cure)


def free_bytes(folder: Path) -> int:
    """Return the free bytes on the file system that `folder` is on, or will be."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free
