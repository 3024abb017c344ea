"""nix/debian.toml → nix/locks/debian.json."""

import re
import tomllib
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from dagnix import UserError, code_locations
from dagnix.checkout import Checkout
from dagnix.faults import Faults
from dagnix.locks import lockfile, mirrors, sources
from dagnix.locks.inputs import COMPILER, FOR_BUILDS
from dagnix.locks.platforms import PYTHON
from dagnix.locks.solve import changes, known, seeds
from dagnix.locks.solve.apt import Apt, Stanza
from dagnix.locks.solve.known import KnownStanza
from dagnix.locks.solve.security import outdated
from dagnix.locks.solve.take import Take
from dagnix.locks.systems import SYSTEMS, host_system

Lock = dict[str, Any]
BUILD_PACKAGES = "build-packages"  # in [tool.dagnix]
ON_BASE = {"webserver", "daemon"}  # what these images have on top of the group `base`
GROUPS_OF_PYTHON = {"base", "programs", COMPILER}
GROUPS = {*GROUPS_OF_PYTHON, *ON_BASE, "postgres", "go", "seed"}
# A package as people list it, and for which architectures (Debian Policy 7.1).
LISTED = re.compile(r"[a-z0-9][a-z0-9+.-]*\s*(\[\s*!?\w+(\s+!?\w+)*\s*\])?")


@dataclass(frozen=True)
class Group:
    """Packages that end up in one file system, as a person listed them.

    One that is for some architectures alone has these behind it, as in Debian's own lists:
    `driver [amd64]`, `driver [!arm64]`.
    """

    packages: tuple[str, ...]
    exclude: tuple[str, ...] = ()

    def of(self, architecture: str) -> list[str]:
        """Return the names of the packages for an architecture."""
        return [name for each in self.packages if (name := for_architecture(each, architecture))]


def for_architecture(listed: str, architecture: str) -> str:
    """Return the name of a package as it is listed, if it is for this architecture; "" if not."""
    name, _, restriction = listed.partition("[")
    desired = restriction.rstrip("] ").split()
    excluded = [each.removeprefix("!") for each in desired if each.startswith("!")]
    is_for = architecture not in excluded if excluded else not desired or architecture in desired
    return name.strip() if is_for else ""


@dataclass(frozen=True)
class Lists:
    """What people edit: nix/debian.toml and [tool.dagnix] of the locations' pyproject.toml.

    `locations` are the groups that are code locations; `for_builds` of a location's name is that
    with its build-packages, if it has any.
    """

    suite: str
    groups: Mapping[str, Group]
    locations: Collection[str] = ()

    def location(self, group: str) -> str:
        """Return the code location that a group is for; "" if it is for all."""
        name = group.removesuffix(FOR_BUILDS)
        return name if name in self.locations else ""


def for_builds(location: str) -> str:
    """Return the group of what a location's source archives are built with."""
    return f"{location}{FOR_BUILDS}"


def read_lists(
    checkout: Checkout,
    faults: Faults,
    python: str = PYTHON,
    adding: Mapping[str, Path] = MappingProxyType({}),
) -> Lists:
    """Return the groups that people edit, for one of the Pythons that nix/debian.toml lists.

    `adding` are the folders of locations that are about to have that Python, by name. The group of
    a location that cannot be read is empty. Raises UserError for another file that is not as it
    should be.
    """
    table = _toml(checkout.debian_list)
    if python != PYTHON:
        table = table.get("pythons", {}).get(python, {})
    try:
        groups = {
            name: Group(tuple(group["packages"]), tuple(group.get("exclude", ())))
            for name, group in table["groups"].items()
        }
        base = groups["base"]
        suite = table["suite"]
        unknown = groups.keys() - (GROUPS if python == PYTHON else GROUPS_OF_PYTHON)
    except KeyError as error:
        raise UserError(f"{checkout.debian_list} lacks {error}.") from error
    if unknown:
        raise UserError(
            f"{checkout.debian_list} has groups that nothing uses: {', '.join(sorted(unknown))}. "
            f"There are {', '.join(sorted(GROUPS))}; a code location names its packages itself, as "
            "debian-packages in its pyproject.toml."
        )
    for name in ON_BASE & groups.keys():
        groups[name] = Group(groups[name].packages, (*base.exclude, *groups[name].exclude))
    first = {code_locations.FIRST: checkout.pipes} if python == PYTHON else {}
    folders = {**first, **_of_python(checkout, python), **adding}
    for name, folder in folders.items():
        # Solved with what the image has underneath, so that the same packages are left out.
        groups[name] = Group((), base.exclude)
        with faults.of(name):
            project = folder / "pyproject.toml"
            groups[name] = Group(additions(project), base.exclude)
            if build := additions(project, BUILD_PACKAGES):
                compiler = groups.get(COMPILER, Group(()))
                packages = (*compiler.packages, *build)
                groups[for_builds(name)] = Group(packages, compiler.exclude)
    return Lists(suite, groups, folders.keys())


def _of_python(checkout: Checkout, python: str) -> dict[str, Path]:
    """Return the folders of the further locations that are locked for a Python, by name."""
    return {
        name: folder
        for name, folder in code_locations.others(checkout.root).items()
        if (code_locations.python(checkout.root, name) or PYTHON) == python
    }


def lock_of(python: str) -> str:
    """Return the name of the lock with the Debian packages of a Python's suite."""
    return "debian" if python == PYTHON else f"pythons/{python}"


def additions(path: Path, key: str = "debian-packages") -> tuple[str, ...]:
    """Return the Debian packages that a code location's pyproject.toml asks for."""
    project = _toml(path) if path.exists() else {}
    found = project.get("tool", {}).get("dagnix", {}).get(key, [])
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise UserError(f"{path}: {key} must be a list of names.")
    wrong = next((each for each in found if not LISTED.fullmatch(each)), None)
    if wrong is not None:
        raise UserError(
            f"{path}: {wrong!r} in {key} is no package: give a name, or `NAME [amd64]` "
            "for images of one architecture."
        )
    return tuple(found)


def named(checkout: Checkout, location: str, folder: Path) -> set[str]:
    """Return the Debian packages that a code location asks for, and those that are locked for it.

    Raises UserError as `additions`.
    """
    python = code_locations.python(checkout.root, location) or PYTHON
    groups = lockfile.read(checkout.locked(lock_of(python))).get("groups", {})
    locked = groups.get(host_system().name, {}).get(location, ())
    listed = Group(additions(folder / "pyproject.toml"))
    return {*listed.of(host_system().debian), *locked}


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text())
    except FileNotFoundError as error:
        raise UserError(f"{path} is not there: this folder is no Dagnix repository.") from error
    except ValueError as error:  # no TOML, or no UTF-8
        raise UserError(f"{path} is not valid TOML: {error}.") from error


def open_apt(checkout: Checkout, suite: str, *, current: bool = False) -> dict[str, Apt]:
    """Return system → apt with fresh indexes. `current` and raises: `Apt.update`."""
    where = mirrors.find(checkout.state / "apt" / "host")
    if not mirrors.has_apt():
        raise UserError("Locking Debian packages needs apt: run it on a Debian or Ubuntu machine.")
    own = sources.read(checkout.root)
    apts = {
        system.name: Apt(
            checkout.state / "apt" / suite / system.debian, system.debian, suite, where, own
        )
        for system in SYSTEMS.values()
    }
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda apt: apt.update(current=current), apts.values()))
    return apts


def solve(
    apts: Mapping[str, Apt], lists: Lists, old: Lock, stanza_of: KnownStanza, faults: Faults
) -> Lock:
    """Return the lock that follows from the lists and the indexes; the seed is the caller's.

    `stanza_of` says what a locked package depends on, for those that are to stay; None lets one
    move to the newest version. A code location whose list cannot be had keeps its packages.
    """

    def one(system: str) -> tuple[dict[str, Any], dict[str, list[str]]]:
        apt, locked = apts[system], old.get("packages", {}).get(system, {})
        keep = {
            name: stanza
            for name, entry in locked.items()
            if (stanza := stanza_of(system, name, entry["version"])) is not None
        }
        before = old.get("groups", {}).get(system, {})
        solved = _solve_groups(apt, lists, before, locked, keep, faults)
        versions = {name: version for group in solved.values() for name, version in group.items()}
        groups = {group: sorted(names) for group, names in solved.items()}
        return _entries(apt, versions, locked), groups

    for name, group in lists.groups.items():
        if location := lists.location(name):
            with faults.of(location):
                _require_everywhere(apts.values(), group)
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


def _require_everywhere(apts: Collection[Apt], group: Group) -> None:
    """Require that what one architecture has is there for the others that are to have it, too."""
    has: dict[str, dict[str, bool]] = {}  # package → architecture → whether it is there
    for apt in apts:
        packages = group.of(apt.architecture)
        shown = {stanza["Package"] for stanza in apt.show(packages)}
        for package in packages:
            has.setdefault(package, {})[apt.architecture] = package in shown
    for package, there in has.items():
        if any(there.values()) and not all(there.values()):
            absent = ", ".join(name for name, is_there in there.items() if not is_there)
            present = " ".join(name for name, is_there in there.items() if is_there)
            raise UserError(
                f"There is no {package} for {absent}: for images of {present} alone write "
                f"`{package} [{present}]` in debian-packages."
            )


def _solve_groups(  # noqa: PLR0913, PLR0917 - the parts of two locks, and what is wrong
    apt: Apt,
    lists: Lists,
    before: Mapping[str, list[str]],
    locked: Mapping[str, Any],
    keep: Mapping[str, Stanza],
    faults: Faults,
) -> dict[str, dict[str, str]]:
    """Return group → package → version, with one version of each package across the groups.

    `before` holds the groups' packages as they are locked, `locked` their entries, and `keep` what
    is known of those that are to stay: nothing if all are to be the newest.
    """
    while True:
        solved: dict[str, dict[str, str]] = {}
        for name, group in lists.groups.items():
            there: Collection[str] = before.get(name, ()) if keep else ()
            packages = group.of(apt.architecture)
            if keep and name not in before and packages:
                # What a new group shares with others is to stay at their versions.
                with suppress(UserError):  # as below
                    there = apt.solve(packages, group.exclude).keys() & keep.keys()
            kept = {package: keep[package] for package in there if package in keep}
            move = {package: locked[package]["version"] for package in there if package not in keep}
            solve = partial(apt.solve, exclude=group.exclude, keep=kept, move=move)
            location = lists.location(name)
            if not location:
                solved[name] = solve(packages) if packages else {}
                continue
            with faults.of(location):
                solved[name] = solve(packages) if packages else {}
            if location in faults:
                solved[name] = solve(before[name]) if before.get(name) else {}
        versions: dict[str, set[str]] = {}
        for chosen in solved.values():
            for name, version in chosen.items():
                versions.setdefault(name, set()).add(version)
        # One group had to move a package that another could keep: let it move in all.
        apart = {name for name, found in versions.items() if len(found) > 1}
        if not apart & keep.keys():
            return solved
        keep = {name: stanza for name, stanza in keep.items() if name not in apart}


def _entries(apt: Apt, versions: Mapping[str, str], locked: Mapping[str, Any]) -> dict[str, Any]:
    archives = {*sources.DEBIANS_OWN, *apt.sources}
    entries = {
        name: locked[name]
        for name, version in versions.items()
        if name in locked
        and locked[name]["version"] == version
        and locked[name]["archive"] in archives
    }
    moved = [f"{name}={version}" for name, version in versions.items() if name not in entries]
    origins = apt.origins(moved)
    for stanza in apt.show(moved):
        path = stanza["Filename"].removeprefix("./")
        # The security archive has its files under pool/updates/, so that they can share a mirror.
        debians = "debian-security" if path.startswith("pool/updates/") else "debian"
        archive = origins.get((path, int(stanza["Size"])), debians)
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


def update(checkout: Checkout, faults: Faults, take: Take) -> list[str]:
    """Write the lock anew and return what changed.

    What is locked and not to be taken anew stays, unless the lists or the mirrors leave no other
    way. What is locked for a code location whose list cannot be had stays, and that is a fault of
    its own.
    """
    lines = []
    for python in pythons(checkout):
        lines += _update(checkout, faults, python, take)
    return [*lines, *drop_pythons(checkout)]


def pythons(checkout: Checkout) -> list[str]:
    """Return the Pythons that have Debian packages locked: first that of all images."""
    return [PYTHON, *sorted(_others(checkout))]


def add_location(
    checkout: Checkout, name: str, folder: Path, python: str, *, is_new: bool
) -> list[str]:
    """Lock what a location asks for of the suite of its Python, if it is new there or not locked.

    Return what changed. Raises UserError if that cannot be had; nothing is written then.
    """
    groups = lockfile.read(checkout.locked(lock_of(python))).get("groups", {})
    is_there = all(name in groups.get(system, {}) for system in SYSTEMS)
    asks = python != PYTHON or bool(additions(folder / "pyproject.toml"))
    # One of its name that was removed may have left its packages.
    if (is_there and not is_new) or not (is_there or asks):
        return []
    return _update(checkout, Faults(), python, adding={name: folder})


def add_build_packages(checkout: Checkout, name: str, folder: Path, python: str) -> None:
    """Lock the build-packages of a location for its Python, if they are not locked there.

    Raises UserError if they cannot be had; nothing is written then.
    """
    if not name:
        return  # for no code location
    asked = Group(additions(folder / "pyproject.toml", BUILD_PACKAGES))
    groups = lockfile.read(checkout.locked(lock_of(python))).get("groups", {})
    if any(
        {*asked.of(system.debian)} - {*groups.get(system.name, {}).get(for_builds(name), ())}
        for system in SYSTEMS.values()
    ):
        _update(checkout, Faults(), python, adding={name: folder})


def add_suite(checkout: Checkout, python: str) -> None:
    """Lock the suite of a Python, before a location is locked for it; one that is locked stays."""
    if not checkout.locked(lock_of(python)).exists():
        _update(checkout, Faults(), python)


def remove_location(checkout: Checkout, name: str) -> None:
    """Remove what was locked for a location alone, which is no more."""
    drop_pythons(checkout)
    for lock_name in (lock_of(PYTHON), *map(lock_of, _others(checkout))):
        path = checkout.lock(lock_name)
        lock = lockfile.read(path)
        for system, groups in lock.get("groups", {}).items():
            gone = [groups.pop(each, None) for each in (name, for_builds(name))]
            if any(each is not None for each in gone):
                kept = {package for names in groups.values() for package in names}
                packages = lock["packages"][system]
                lock["packages"][system] = {n: e for n, e in packages.items() if n in kept}
        if lock:
            lockfile.write(path, lock)


def drop_pythons(checkout: Checkout) -> list[str]:
    """Remove the locks of Pythons that no location has any more; return what changed."""
    if code_locations.unreadable(checkout.root):
        return []  # one of these may have it
    kept = {checkout.lock(lock_of(python)) for python in _others(checkout)}
    folder = checkout.root / "nix" / "locks" / "pythons"
    gone = sorted(set(folder.glob("*.json")) - kept)
    for path in gone:
        path.unlink()
    if gone and not any(folder.iterdir()):
        folder.rmdir()
    return [f"Python {path.stem} removed: no location has it" for path in gone]


def _others(checkout: Checkout) -> dict[str, list[str]]:
    """Return the locations of each Python but that of all images."""
    found: dict[str, list[str]] = {}
    for name in code_locations.others(checkout.root):
        python = code_locations.python(checkout.root, name) or PYTHON
        if python != PYTHON:
            found.setdefault(python, []).append(name)
    return found


def _update(
    checkout: Checkout,
    faults: Faults,
    python: str,
    take: Take = Take.NOTHING,
    adding: Mapping[str, Path] = MappingProxyType({}),
) -> list[str]:
    """Write the lock of a Python's suite; of locations in `adding`, by name, without a fault."""
    name = lock_of(python)
    old = lockfile.read(checkout.locked(name))
    lists = read_lists(checkout, faults, python, adding)
    apts = open_apt(checkout, lists.suite, current=take is Take.SECURITY)
    fresh = take is Take.NEWEST or old.get("suite") != lists.suite
    if fresh:
        stanza_of: KnownStanza = known.nothing
    elif take is Take.SECURITY:
        stanza_of = known.all_but(apts, old, outdated(apts, old))
    else:
        stanza_of = known.listed(apts, old)
    new = solve(apts, lists, old, stanza_of, faults)
    for location in adding:
        faults.require_none(location)
    if python == PYTHON:
        new["seed"] = seeds.of(checkout, new, old)
    lockfile.write(checkout.lock(name), new)
    lines = changes.describe(old.get("packages", {}), new["packages"])
    return lines if python == PYTHON else [f"Python {python}: {line}" for line in lines]
