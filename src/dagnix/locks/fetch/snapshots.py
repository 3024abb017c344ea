"""The archive's snapshot service, where the host's apt knows one."""

from collections.abc import Callable

from dagnix.locks.command import output_of
from dagnix.locks.mirrors import has_apt

PREFIX = "Acquire::Snapshots::URI::"


def service(snapshot: str) -> Callable[[str], str] | None:
    """Return what gives the base URL of an archive as it was at `snapshot`; None without a service.

    apt knows it from version 3 on (sources.list(5), "Snapshots").
    """
    if not has_apt():
        return None
    known = {
        key: value.strip('";')
        for line in output_of(["apt-config", "dump"]).splitlines()
        if line.startswith(PREFIX)
        for key, _, value in [line.removeprefix(PREFIX).partition(" ")]
    }
    bases = {
        "debian": known.get("Origin::Debian", ""),
        "debian-security": known.get("Override::Label::Debian-Security", ""),
    }
    if not all(bases.values()):
        return None
    return lambda archive: bases[archive].replace("@SNAPSHOTID@", snapshot).rstrip("/")
