"""Says what changed from one lock to the next."""

from collections.abc import Iterable, Mapping
from typing import Any

Packages = Mapping[str, Mapping[str, Mapping[str, Any]]]  # system → package → entry


def describe(old: Packages, new: Packages) -> list[str]:
    """Return a line for each package whose version or file changed.

    A change that not all systems share names the systems it holds for.
    """
    lines = {}
    for system in new:
        before, after = old.get(system, {}), new[system]
        names = before.keys() | after.keys()
        lines[system] = [_line(name, before.get(name), after.get(name)) for name in names]
    return by_system(lines)


def by_system(lines: Mapping[str, Iterable[str]]) -> list[str]:
    """Return the lines of all systems, sorted; one that not all share names those it holds for."""
    systems: dict[str, list[str]] = {}
    for system, said in lines.items():
        for line in filter(None, said):
            systems.setdefault(line, []).append(system)
    return [
        line if len(where) == len(lines) else f"{line} ({', '.join(where)})"
        for line, where in sorted(systems.items())
    ]


def _line(name: str, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> str:
    if before is None and after is not None:
        return f"{name} added, {after['version']}"
    if after is None and before is not None:
        return f"{name} removed, was {before['version']}"
    if before is None or after is None:
        return ""
    if before["sha256"] == after["sha256"]:
        is_same = before.get("build") == after.get("build")
        return "" if is_same else f"{name} {after['version']} is built with other packages"
    if before["version"] == after["version"]:
        return f"{name} {after['version']}: another file of the same version"
    return f"{name} {before['version']} → {after['version']}"
