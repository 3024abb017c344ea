"""All that `./dagnix status` tells of an instance."""

import datetime as dt
import re
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from dagnix.locks import updates
from dagnix.locks.updates import Found
from dagnix.project import Project
from dagnix.stack import containers
from dagnix.status import backups, disks, locations, runs, services
from dagnix.status.backups import Backup
from dagnix.status.disks import Disk
from dagnix.status.locations import Location
from dagnix.status.runs import Runs
from dagnix.status.services import Row

# What the gate's health check says (src/gate/main.go).
CERTIFICATE = re.compile(r"; its certificate ends (\S+?Z)")


@dataclass(frozen=True)
class Report:
    """What docs/reference/status.schema.json describes.

    `at` and `certificate_ends` are ISO 8601; that is None where the gate does not speak TLS or does
    not answer. `runs` is None while the webserver does not answer. `security_updates` are those of
    Debian packages that `./dagnix updates` has found and that are not locked yet; None before it
    has looked for the first time.
    """

    instance: str
    url: str
    at: str
    healthy: bool
    services: tuple[Row, ...]
    locations: tuple[Location, ...]
    runs: Runs | None
    disks: tuple[Disk, ...]
    backup: Backup | None
    certificate_ends: str | None
    security_updates: Found | None

    @property
    def is_up(self) -> bool:
        """Whether any service has a container."""
        return any(row.image for row in self.services)


def of(here: Project) -> Report:
    """Ask the services, the webserver and the disks. Raises UserError if podman does not answer."""
    present = containers.everything(here)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(runs.ask, here) if any(each.running for each in present) else None
        rows = services.rows(here, present)
        flown = asked.result() if asked else None
    return Report(
        instance=here.name,
        url=here.url,
        at=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        healthy=all(row.healthy for row in rows),
        services=tuple(rows),
        locations=tuple(locations.of(here, present, rows)),
        runs=flown,
        disks=tuple(disks.find(here, present)),
        backup=backups.last(here),
        certificate_ends=certificate_ends(rows),
        security_updates=updates.last(here.checkout, updates.DEBIAN),
    )


def certificate_ends(rows: Iterable[Row]) -> str | None:
    """Return until when the certificate is valid that the gate shows."""
    found = (CERTIFICATE.search(row.says) for row in rows if row.service == "gate")
    return next((match[1] for match in found if match), None)
