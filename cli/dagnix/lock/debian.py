"""nix/debian.toml → nix/locks/debian.json."""

import tomllib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dagnix import UserError, locations
from dagnix.lock import changes, lockfile, mirrors, seeds
from dagnix.lock.apt import Apt, Stanza
from dagnix.lock.checkout import Checkout
from dagnix.lock.systems import SYSTEMS

Lock = dict[str, Any]
KnownStanza = Callable[[str, str, str], Stanza | None]  # system, package, version


@dataclass(frozen=True)
class Group:
    """Packages that end up in one file system, as a person listed them."""

    packages: tuple[str, ...]
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True)
class Lists:
    """What people edit: nix/debian.toml and [tool.dagnix] of the pipes' pyproject.toml."""

    suite: str
    groups: Mapping[str, Group]


def read_lists(checkout: Checkout) -> Lists:
    """Return the groups that people edit.

    Raises UserError for a file that is not as it should be.
    """
    table = _toml(checkout.debian_list)
    try:
        groups = {
            name: Group(tuple(group["packages"]), tuple(group.get("exclude", ())))
            for name, group in table["groups"].items()
        }
        base = groups["base"]
        suite = table["suite"]
    except KeyError as error:
        raise UserError(f"{checkout.debian_list} lacks {error}.") from error
    folders = {locations.FIRST: checkout.pipes, **locations.others(checkout.root)}
    for name, folder in folders.items():
        # Solved with what the image has underneath, so that the same packages are left out.
        groups[name] = Group(additions(folder / "pyproject.toml"), base.exclude)
    return Lists(suite, groups)


def additions(path: Path) -> tuple[str, ...]:
    """Return the Debian packages that a code location's pyproject.toml asks for."""
    project = _toml(path) if path.exists() else {}
    return tuple(project.get("tool", {}).get("dagnix", {}).get("debian-packages", ()))


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text())
    except FileNotFoundError as error:
        raise UserError(f"{path} is not there: this folder is no Dagnix repository.") from error
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{path} is not valid TOML: {error}.") from error


def open_apt(checkout: Checkout, suite: str) -> dict[str, Apt]:
    """Return system → apt with fresh indexes."""
    where = mirrors.find(checkout.state / "apt" / "host")
    if not mirrors.has_apt():
        raise UserError("Locking Debian packages needs apt: run it on a Debian or Ubuntu machine.")
    apts = {
        system.name: Apt(checkout.state / "apt" / system.debian, system.debian, suite, where)
        for system in SYSTEMS.values()
    }
    with ThreadPoolExecutor() as pool:
        list(pool.map(Apt.update, apts.values()))
    return apts


def solve(apts: Mapping[str, Apt], lists: Lists, old: Lock, stanza_of: KnownStanza) -> Lock:
    """Return the lock that follows from the lists and the indexes; the seed is the caller's.

    `stanza_of` says what a locked package depends on, for those that are to stay; None lets one
    move to the newest version.
    """

    def one(system: str) -> tuple[dict[str, Any], dict[str, list[str]]]:
        apt, locked = apts[system], old.get("packages", {}).get(system, {})
        keep = {
            name: stanza
            for name, entry in locked.items()
            if (stanza := stanza_of(system, name, entry["version"])) is not None
        }
        before = old.get("groups", {}).get(system, {}) if keep else {}
        solved = _solve_groups(apt, lists, before, locked, keep)
        versions = {name: version for group in solved.values() for name, version in group.items()}
        groups = {group: sorted(names) for group, names in solved.items()}
        return _entries(apt, versions, locked), groups

    with ThreadPoolExecutor() as pool:
        answers = dict(zip(apts, pool.map(one, apts), strict=True))
    lock: Lock = {
        "suite": lists.suite,
        "packages": {system: packages for system, (packages, _) in answers.items()},
        "groups": {system: groups for system, (_, groups) in answers.items()},
    }
    same = lock["packages"] == old.get("packages")
    lock["snapshot"] = old["snapshot"] if same else max(apt.released() for apt in apts.values())
    return lock


def _solve_groups(
    apt: Apt,
    lists: Lists,
    before: Mapping[str, list[str]],
    locked: Mapping[str, Any],
    keep: Mapping[str, Stanza],
) -> dict[str, dict[str, str]]:
    """Return group → package → version, with one version of each package across the groups.

    `before` holds the groups' packages as they are locked, `locked` their entries, and `keep` what
    is known of those that are to stay.
    """
    while True:
        solved = {}
        for name, group in lists.groups.items():
            there = before.get(name, ())
            kept = {package: keep[package] for package in there if package in keep}
            move = {package: locked[package]["version"] for package in there if package not in keep}
            solved[name] = (
                apt.solve(group.packages, group.exclude, kept, move) if group.packages else {}
            )
        versions: dict[str, set[str]] = {}
        for group in solved.values():
            for name, version in group.items():
                versions.setdefault(name, set()).add(version)
        # One group had to move a package that another could keep: let it move in all.
        apart = {name for name, found in versions.items() if len(found) > 1}
        if not apart & keep.keys():
            return solved
        keep = {name: stanza for name, stanza in keep.items() if name not in apart}


def _entries(apt: Apt, versions: Mapping[str, str], locked: Mapping[str, Any]) -> dict[str, Any]:
    entries = {
        name: locked[name]
        for name, version in versions.items()
        if name in locked and locked[name]["version"] == version
    }
    moved = {name: version for name, version in versions.items() if name not in entries}
    for stanza in apt.show(f"{name}={version}" for name, version in moved.items()):
        path = stanza["Filename"]
        # The security archive has its files under pool/updates/, so that they can share a mirror.
        archive = "debian-security" if path.startswith("pool/updates/") else "debian"
        # A version that both archives have is longer to be had from the main one.
        if entries.get(stanza["Package"], {}).get("archive") != "debian":
            entries[stanza["Package"]] = {
                "version": stanza["Version"],
                "architecture": stanza["Architecture"],
                "archive": archive,
                "path": path,
                "size": int(stanza["Size"]),
                "sha256": stanza["SHA256"],
            }
    return entries


def available(apts: Mapping[str, Apt], old: Lock) -> KnownStanza:
    """Return a `stanza_of` for solve() that keeps every locked version the indexes still have."""
    known = {
        system: {
            (stanza["Package"], stanza["Version"]): stanza
            for stanza in apt.show(
                f"{name}={entry['version']}"
                for name, entry in old.get("packages", {}).get(system, {}).items()
            )
        }
        for system, apt in apts.items()
    }
    return lambda system, name, version: known[system].get((name, version))


def update(checkout: Checkout, *, upgrade: bool) -> list[str]:
    """Write the lock anew and return what changed; with `upgrade` everything is the newest.

    Without it what is locked stays, unless the lists or the mirrors leave no other way.
    """
    old = lockfile.read(checkout.locked("debian"))
    lists = read_lists(checkout)
    apts = open_apt(checkout, lists.suite)
    fresh = upgrade or old.get("suite") != lists.suite
    new = solve(apts, lists, old, _none if fresh else available(apts, old))
    new["seed"] = seeds.of(checkout, new, old)
    lockfile.write(checkout.lock("debian"), new)
    return changes.describe(old.get("packages", {}), new["packages"])


def _none(_system: str, _name: str, _version: str) -> None:
    return None
