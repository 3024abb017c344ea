"""pip as the solver for another machine; for one of several Pythons.

usage: python solve_wheels.py QUESTION > ANSWER

QUESTION, a JSON file: {"machine": as uname says it,
                        "pythons": [{"version": "3.13.5", "platforms": wheel tags}], best first,
                        "requires_python": {file: version specifier},
                        "groups": {group: [requirement]}, "constraints": [requirement],
                        "find_links": a folder with wheels that no index has}
ANSWER, JSON: {"python": that which is taken, "packages": {name: {"version", "file", "sha256"}},
               "groups": {group: [name]},
               "held_back": [sentence about a package of which a newer version has no wheel]}
              or, where files ask for another Python than these, {"other_python": {file: version
              specifier}}
              or, with exit code 1, where there is no solution for want of a wheel, {"no_wheel":
              {"name", "version", "file", "python", "said", "alternative"}}, as held_back.no_wheel
              or, with exit code 1, where an index does not answer, {"unanswered": why}
"""

import json
import subprocess
import sys
import tempfile
import urllib.parse
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import held_back  # beside this program, as the next
from markers import Environment, environment, holds, without
from packaging.requirements import Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

PIP = Path(__file__).with_name("pip_install.py")
REPORT = "report.json"


def main() -> int:
    """Answer the question in the file; pip's messages go to standard error."""
    question = json.loads(Path(sys.argv[1]).read_text())
    asked = question["requires_python"]
    python = chosen(question["pythons"], asked.values())
    if python is None:
        versions = [python["version"] for python in question["pythons"]]
        other = {f: s for f, s in asked.items() if not any(fits(v, s) for v in versions)}
        json.dump({"other_python": other or asked}, sys.stdout)
        return 0
    there = environment(question["machine"], python["version"])
    with tempfile.TemporaryDirectory() as scratch:
        done = _pip(question, python, there, Path(scratch))
        log = (Path(scratch) / "log").read_text()
        if done:
            if reason := held_back.unanswered(log):
                json.dump({"unanswered": reason}, sys.stdout)
            elif missing := held_back.no_wheel(log, python["version"]):
                json.dump({"no_wheel": {**missing, "python": python["version"]}}, sys.stdout)
            return done
        installed = {
            canonicalize_name(item["metadata"]["name"]): item
            for item in json.loads((Path(scratch) / REPORT).read_text())["install"]
        }
    answer = {
        "python": python["version"],
        "packages": {name: _entry(item) for name, item in installed.items()},
        "groups": {
            group: sorted(closure(requirements, installed, there))
            for group, requirements in question["groups"].items()
        },
        "held_back": held_back.lines(
            log,
            python["version"],
            {name: Version(item["metadata"]["version"]) for name, item in installed.items()},
            required(installed, question["groups"], there),
            _listed(question["constraints"], there),
        ),
    }
    json.dump(answer, sys.stdout)
    return 0


def chosen(pythons: Iterable[dict[str, Any]], specifiers: Iterable[str]) -> dict[str, Any] | None:
    """Return the first Python that all version specifiers have."""
    desired = list(specifiers)
    return next((p for p in pythons if all(fits(p["version"], s) for s in desired)), None)


def fits(version: str, specifier: str) -> bool:
    """Tell whether a version specifier has a Python; one that is no specifier has none."""
    try:
        return SpecifierSet(specifier).contains(version)
    except InvalidSpecifier:
        return False


def _pip(
    question: dict[str, Any], python: dict[str, Any], there: Environment, scratch: Path
) -> int:
    groups = question["groups"].values()
    asked = {
        "requirements.txt": (each for group in groups for each in group),
        "constraints.txt": question["constraints"],
    }
    for name, listed in asked.items():
        bare = {str(without(each)) for each in _listed(listed, there)}
        (scratch / name).write_text("\n".join(sorted(bare)))
    return subprocess.run(
        [
            sys.executable, PIP, question["machine"], python["version"],
            "--dry-run", "--ignore-installed", "--no-input", f"--log={scratch / 'log'}",
            f"--target={scratch / 'target'}", f"--report={scratch / REPORT}",
            "--only-binary=:all:", f"--find-links={question['find_links']}",
            "--implementation=cp", f"--python-version={python['version']}",
            *(f"--platform={tag}" for tag in python["platforms"]),
            f"--requirement={scratch / 'requirements.txt'}",
            f"--constraint={scratch / 'constraints.txt'}",
        ],
        check=False,
        stdout=sys.stderr,
    ).returncode  # fmt: skip


def _entry(item: dict[str, Any]) -> dict[str, str]:
    download = item["download_info"]
    path = PurePosixPath(urllib.parse.unquote(urllib.parse.urlsplit(download["url"]).path))
    return {
        "version": item["metadata"]["version"],
        "file": path.name,
        # pip does not hash what is a file here already.
        "sha256": download["archive_info"].get("hashes", {}).get("sha256", ""),
    }


def _listed(requirements: Iterable[str], there: Environment) -> Iterator[Requirement]:
    """Yield those that people list for the machine."""
    return (each for each in map(Requirement, requirements) if holds(each, there))


def required(
    installed: dict[str, Any], groups: dict[str, list[str]], there: Environment
) -> Iterator[Requirement]:
    """Yield what people and the packages themselves require of the packages."""
    listed = (requirement for group in groups.values() for requirement in group)
    depends = (r for item in installed.values() for r in item["metadata"].get("requires_dist", []))
    return _listed((*listed, *depends), there)


def closure(requirements: list[str], installed: dict[str, Any], there: Environment) -> set[str]:
    """Return the names of all that the requirements need, extras and markers considered."""
    needed: set[tuple[str, str]] = set()  # name, extra ("" for the package itself)
    waiting = [*_listed(requirements, there)]
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        for extra in {"", *requirement.extras}:
            if (name, extra) in needed:
                continue
            needed.add((name, extra))
            metadata = installed[name]["metadata"]
            provided = map(canonicalize_name, metadata.get("provides_extra", []))
            if extra and canonicalize_name(extra) not in provided:
                continue  # pip goes on without, too
            depends = map(Requirement, metadata.get("requires_dist", []))
            waiting += [each for each in depends if holds(each, there, (extra,))]
    return {name for name, _ in needed}


if __name__ == "__main__":
    sys.exit(main())
