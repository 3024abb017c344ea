"""The last backup of an instance."""

import datetime as dt
import re
from dataclasses import dataclass

from dagnix.backups.folder import SCHEDULED
from dagnix.project import Project

MADE = "%Y%m%dT%H%M%SZ"  # in its name


@dataclass(frozen=True)
class Backup:
    """A backup; `made` is ISO 8601, `size` in bytes."""

    file: str
    made: str
    size: int


def last(here: Project) -> Backup | None:
    """Return the newest backup that is there, by its name: a copy has another time."""
    name = re.compile(rf"{re.escape(here.name)}-(\d{{8}}T\d{{6}}Z)\.zip")
    found = [
        (match[1], path)
        for folder in (here.backups, here.backups / SCHEDULED)
        if folder.is_dir()
        for path in folder.iterdir()
        if (match := name.fullmatch(path.name))
    ]
    if not found:
        return None
    made, path = max(found)
    when = dt.datetime.strptime(made, MADE).replace(tzinfo=dt.UTC)
    return Backup(str(path), when.isoformat(), path.stat().st_size)
