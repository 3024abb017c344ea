"""The disks of the host that an instance writes to."""

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from dagnix.locks.store import STORE
from dagnix.project import Project
from dagnix.stack.containers import Container


@dataclass(frozen=True)
class Disk:
    """A file system, in bytes; `holds` are volumes and folders by what they are for."""

    holds: tuple[str, ...]
    free: int
    size: int


def find(here: Project, present: Iterable[Container]) -> list[Disk]:
    """Return each disk once, the one with the least room first."""
    places = {
        "backups": here.backups,
        "compute logs": here.compute_logs,
        "Nix store": Path(STORE),
        **{name: path for each in present for name, path in each.named_volumes.items()},
    }
    held: dict[int, list[str]] = {}
    disks: dict[int, Path] = {}
    for name, place in sorted(places.items()):
        try:
            number = place.stat().st_dev
        except OSError:  # not made yet, or another user's
            continue
        disks.setdefault(number, place)
        held.setdefault(number, []).append(name)
    found = [(tuple(held[number]), shutil.disk_usage(place)) for number, place in disks.items()]
    return sorted(
        (Disk(holds, usage.free, usage.total) for holds, usage in found), key=lambda disk: disk.free
    )
