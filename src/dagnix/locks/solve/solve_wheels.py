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

Environment markers are evaluated for the running Python and machine, whatever pip's
--python-version says, so the other version and machine are put in their place here.
"""

import json
import platform
import subprocess
import sys
import tempfile
import urllib.parse
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import held_back  # beside this program
from packaging.requirements import Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

PIP = """
import platform, runpy, sys
machine, version = sys.argv.pop(1), sys.argv.pop(1)
platform.machine = lambda: machine
platform.python_version = lambda: version
platform.python_version_tuple = lambda: tuple(version.split("."))
runpy.run_module("pip", run_name="__main__", alter_sys=True)
"""


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
    stand_for(question["machine"], python["version"])
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch) / "report.json"
        done = _pip(question, python, Path(scratch), report)
        log = (Path(scratch) / "log").read_text()
        if done:
            if missing := held_back.no_wheel(log):
                json.dump({"no_wheel": {**missing, "python": python["version"]}}, sys.stdout)
            return done
        installed = {
            canonicalize_name(item["metadata"]["name"]): item
            for item in json.loads(report.read_text())["install"]
        }
    answer = {
        "python": python["version"],
        "packages": {name: _entry(item) for name, item in installed.items()},
        "groups": {
            group: sorted(closure(requirements, installed))
            for group, requirements in question["groups"].items()
        },
        "held_back": held_back.lines(
            log,
            {name: Version(item["metadata"]["version"]) for name, item in installed.items()},
            required(installed, question["groups"]),
            map(Requirement, question["constraints"]),
        ),
    }
    json.dump(answer, sys.stdout)
    return 0


def stand_for(machine: str, version: str) -> None:
    """Have markers be those of another machine, and of another version of Python."""
    platform.machine = lambda: machine
    platform.python_version = lambda: version
    platform.python_version_tuple = lambda: tuple(version.split("."))


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


def _pip(question: dict[str, Any], python: dict[str, Any], scratch: Path, report: Path) -> int:
    constraints = scratch / "constraints.txt"
    constraints.write_text("\n".join(question["constraints"]))
    requirements = scratch / "requirements.txt"
    requirements.write_text(
        "\n".join(sorted({r for rs in question["groups"].values() for r in rs}))
    )
    return subprocess.run(
        [
            sys.executable, "-c", PIP, question["machine"], python["version"],
            "install", "--dry-run", "--ignore-installed", "--no-input",
            f"--target={scratch / 'target'}", f"--report={report}", f"--log={scratch / 'log'}",
            "--only-binary=:all:", f"--find-links={question['find_links']}",
            "--implementation=cp", f"--python-version={python['version']}",
            *(f"--platform={tag}" for tag in python["platforms"]),
            f"--requirement={requirements}", f"--constraint={constraints}",
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


def required(installed: dict[str, Any], groups: dict[str, list[str]]) -> Iterator[Requirement]:
    """Yield what people and the packages themselves require of the packages."""
    listed = (requirement for group in groups.values() for requirement in group)
    depends = (r for item in installed.values() for r in item["metadata"].get("requires_dist", []))
    for requirement in map(Requirement, (*listed, *depends)):
        marker = requirement.marker
        if marker is None or marker.evaluate({"extra": ""}):
            yield requirement


def closure(requirements: list[str], installed: dict[str, Any]) -> set[str]:
    """Return the names of all that the requirements need, extras and markers considered."""
    needed: set[tuple[str, str]] = set()  # name, extra ("" for the package itself)
    listed = map(Requirement, requirements)
    waiting = [each for each in listed if each.marker is None or each.marker.evaluate()]
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
            depends = metadata.get("requires_dist", [])
            waiting += [
                dependency
                for dependency in map(Requirement, depends)
                if dependency.marker is None or dependency.marker.evaluate({"extra": extra})
            ]
    return {name for name, _ in needed}


if __name__ == "__main__":
    sys.exit(main())
