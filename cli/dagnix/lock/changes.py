"""Says what changed from one lock to the next."""

from collections.abc import Mapping
from typing import Any

Packages = Mapping[str, Mapping[str, Mapping[str, Any]]]  # system → package → entry


def describe(old: Packages, new: Packages) -> list[str]:
    """Return a line for each package whose version or file changed.

    A change that not all systems share names the systems it holds for.
    """
    systems: dict[str, list[str]] = {}
    for system in new:
        before, after = old.get(system, {}), new[system]
        for name in sorted(before.keys() | after.keys()):
            line = _line(name, before.get(name), after.get(name))
            if line:
                systems.setdefault(line, []).append(system)
    return [
        line if len(where) == len(new) else f"{line} ({', '.join(where)})"
        for line, where in sorted(systems.items())
    ]


def _line(name: str, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> str:
    if before is None and after is not None:
        return f"{name} added, {after['version']}"
    if after is None and before is not None:
        return f"{name} removed, was {before['version']}"
    if before is None or after is None or before["sha256"] == after["sha256"]:
        return ""
    if before["version"] == after["version"]:
        return f"{name} {after['version']}: another file of the same version"
    return f"{name} {before['version']} → {after['version']}"
