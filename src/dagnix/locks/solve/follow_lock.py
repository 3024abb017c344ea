"""Which versions a project's own lock has for one machine and its Python.

usage: python follow_lock.py QUESTION > ANSWER

QUESTION, a JSON file: {"machine": as uname says it, "file": a uv.lock or pylock.toml,
                        "pythons": [version], best first, "requires_python": [version specifier],
                        "requirements": [what the project asks for], "constraints": [requirement]}
ANSWER, JSON: {"pins": {name: {"version", "sha256": [of each of its files]}},
               "left": {name: {"version", "why": the constraint that it does not fit}}}
              or {"refused": a sentence}
              empty where there is no such Python: that is for the solver to say

URLs in the lock are not read: files come from the index that pip is configured with.
"""

import json
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from markers import Environment, environment, holds  # beside this program
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from solve_wheels import chosen  # beside this program

# Where a package comes from if not from an index, in the words of both formats.
PLACES = {
    "git": "git",
    "vcs": "a repository",
    "url": "an address",
    "archive": "an address",
    "path": "a file",
    "directory": "a folder",
    "editable": "a folder",
    "virtual": "a folder",
}
Package = Mapping[str, Any]


class RefusedError(Exception):
    """A lock that cannot be followed, with the sentence that says why."""


def main() -> None:
    """Answer the question in the file."""
    question = json.loads(Path(sys.argv[1]).read_text())
    pythons = [{"version": version} for version in question["pythons"]]
    python = chosen(pythons, question["requires_python"])
    if python is None:
        json.dump({"pins": {}, "left": {}}, sys.stdout)
        return
    try:
        answer = followed(
            Path(question["file"]),
            [Requirement(each) for each in question["requirements"]],
            [Requirement(each) for each in question["constraints"]],
            environment(question["machine"], python["version"]),
        )
    except RefusedError as error:
        answer = {"refused": str(error)}
    json.dump(answer, sys.stdout)


def followed(
    file: Path,
    requirements: Iterable[Requirement],
    constraints: Iterable[Requirement],
    there: Environment,
) -> dict[str, Any]:
    """Return what of the lock holds for a machine, without what the constraints forbid.

    Raises RefusedError if the lock is of another kind, older than the requirements, or has a
    package that is not from an index.
    """
    asked = [each for each in requirements if holds(each, there)]
    try:
        lock = tomllib.loads(file.read_text())
        _require_python(file, lock.get("requires-python", ""), there["python_full_version"])
        if "lock-version" in lock:
            packages = _of_pylock(file, lock, there)
        else:
            packages = _of_uv(file, lock, asked, there)
        _require_up_to_date(file, asked, packages)
        pins = {
            name: {"version": package["version"], "sha256": _hashes(package)}
            for name, package in packages.items()
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RefusedError(f"{file} cannot be read: {error}.") from error
    left = {}
    for each in constraints:
        name = canonicalize_name(each.name)
        if holds(each, there) and name in pins and not _fits(each, pins[name]["version"]):
            left[name] = {"version": pins.pop(name)["version"], "why": str(each)}
    return {"pins": pins, "left": left}


def _require_python(file: Path, desired: str, version: str) -> None:
    if not SpecifierSet(desired).contains(version):
        raise RefusedError(
            f"{file} is for Python {desired}, and the image has {version}: "
            "widen requires-python, and lock the project again."
        )


def _require_up_to_date(
    file: Path, asked: Iterable[Requirement], packages: Mapping[str, Package]
) -> None:
    for each in asked:
        package = packages.get(canonicalize_name(each.name))
        if package is None or not _fits(each, package["version"]):
            again = "run `uv lock`" if file.name == "uv.lock" else "make it anew"
            raise RefusedError(
                f"{file} is older than what the project asks for, {each}: {again} there."
            )


def _fits(requirement: Requirement, version: str) -> bool:
    return requirement.specifier.contains(version, prereleases=True)


def _of_uv(
    file: Path, lock: Package, asked: Iterable[Requirement], there: Environment
) -> dict[str, Package]:
    """Return the packages of a uv.lock that the requirements need, by name."""
    if lock.get("version") != 1:
        raise RefusedError(
            f"{file} has a format that is not known here, version {lock.get('version')}: "
            "export it as pylock.toml (`uv export --format pylock.toml`)."
        )
    # Of a package that has several versions, one is for this Python and machine.
    here = {
        canonicalize_name(package["name"]): package
        for package in lock.get("package", ())
        if _any_holds(package.get("resolution-markers", ()), there)
    }
    found: dict[str, Package] = {}
    seen: set[tuple[str, str]] = set()
    waiting = [(canonicalize_name(each.name), ("", *each.extras)) for each in asked]
    while waiting:
        name, extras = waiting.pop()
        package = here.get(name)
        if package is None:
            continue
        _require_index(file, package, package["source"])
        found[name] = package
        for extra in {*extras} - {extra for of, extra in seen if of == name}:
            seen.add((name, extra))
            waiting += _depends(package, extra, there)
    return found


def _depends(
    package: Package, extra: str, there: Environment
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the packages and extras that a package, or one of its extras, depends on here."""
    listed = package.get("dependencies", ())
    if extra:
        optional = package.get("optional-dependencies", {})
        listed = {canonicalize_name(key): value for key, value in optional.items()}.get(
            canonicalize_name(extra), ()
        )
    for each in listed:
        if _any_holds([each["marker"]] if "marker" in each else (), there):
            yield canonicalize_name(each["name"]), ("", *each.get("extra", ()))


def _of_pylock(file: Path, lock: Package, there: Environment) -> dict[str, Package]:
    """Return the packages of a pylock.toml (PEP 751) by name."""
    if not str(lock["lock-version"]).startswith("1."):
        raise RefusedError(f"{file} has a format that is not known here: {lock['lock-version']}.")
    groups = frozenset(lock.get("default-groups", ()))
    context = {**there, "extras": frozenset[str](), "dependency_groups": groups}
    here = [
        package
        for package in lock["packages"]
        if "marker" not in package
        or Marker(package["marker"]).evaluate(context, context="lock_file")
    ]
    # The project itself may stand in its lock.
    here = [each for each in here if each.get("directory", {}).get("path") not in {".", "./"}]
    for package in here:
        _require_index(file, package, package)
    return {canonicalize_name(package["name"]): package for package in here}


def _require_index(file: Path, package: Package, source: Package) -> None:
    for key, place in PLACES.items():
        if key in source:
            is_named = place == "a folder" and isinstance(source[key], str)
            where = f"the folder {source[key]}" if is_named else place
            raise RefusedError(
                f"{file} has {package['name']} from {where}, "
                "which is no package of an index: publish it in yours, or put its code beside the "
                "project's own and take it out of the dependencies."
            )


def _hashes(package: Package) -> list[str]:
    """Return the SHA-256 of each of a package's files."""
    files = [*package.get("wheels", ()), *filter(None, [package.get("sdist")])]
    # uv.lock has "sha256:…", pylock.toml a table.
    hashes = [file["hash"] if "hash" in file else file.get("hashes", {}) for file in files]
    found = [
        each.get("sha256", "") if isinstance(each, dict) else each.removeprefix("sha256:")
        for each in hashes
    ]
    return sorted(filter(None, found))


def _any_holds(markers: Iterable[str], there: Environment) -> bool:
    """Tell whether one of the markers holds; without any the package is for everybody."""
    listed = [Marker(marker) for marker in markers]
    return not listed or any(marker.evaluate({**there, "extra": ""}) for marker in listed)


if __name__ == "__main__":
    main()
