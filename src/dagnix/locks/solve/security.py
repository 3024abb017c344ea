"""Security updates of locked Debian packages: of their versions in the suite's security suite."""

import subprocess
from collections.abc import Mapping
from typing import Any

from dagnix.locks.solve.apt import Apt


def outdated(apts: Mapping[str, Apt], lock: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Return system → package → newest version, of those that have a security update.

    These are the locked packages of which the security suite has a newer version. The newest one
    may be another suite's: a point release has all security updates before it.
    """
    return {
        system: _newest(apt, lock.get("packages", {}).get(system, {}))
        for system, apt in apts.items()
    }


def _newest(apt: Apt, locked: Mapping[str, Any]) -> dict[str, str]:
    security = apt.security()
    found = {
        name
        for name, entry in locked.items()
        if any(_is_newer(version, entry["version"]) for version in security.get(name, ()))
    }
    newest: dict[str, str] = {}
    for stanza in apt.show(found):  # of each package the newest first
        newest.setdefault(stanza["Package"], stanza["Version"])
    return newest


def _is_newer(version: str, than: str) -> bool:
    command = ["dpkg", "--compare-versions", version, "gt", than]
    return version != than and subprocess.run(command, check=False).returncode == 0
