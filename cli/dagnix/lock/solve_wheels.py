"""pip as the solver for another machine; run by a Python of the version that the images have.

usage: python solve_wheels.py QUESTION > ANSWER

QUESTION, a JSON file: {"machine": as uname says it, "platforms": wheel tags,
                        "python": "3.13", "requires_python": {file: version specifier},
                        "groups": {group: [requirement]}, "constraints": [requirement]}
ANSWER, JSON: {"packages": {name: {"version", "file", "sha256"}}, "groups": {group: [name]},
               "held_back": [sentence about a package of which a newer version has no wheel]}
              or, where files ask for another Python than this, {"other_python": {file: version
              specifier}, "python": "3.13.5"}

Environment markers are evaluated by the running Python, whatever pip's --python-version says, so
this must be that version, and the machine is put in its place here.
"""

import json
import platform
import subprocess
import sys
import tempfile
import urllib.parse
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import held_back  # beside this program
from packaging.requirements import Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

PIP = """
import platform, runpy, sys
machine = sys.argv.pop(1)
platform.machine = lambda: machine
runpy.run_module("pip", run_name="__main__", alter_sys=True)
"""


def main() -> int:
    """Answer the question in the file; pip's messages go to standard error."""
    question = json.loads(Path(sys.argv[1]).read_text())
    platform.machine = lambda: question["machine"]
    if other := {f: s for f, s in question["requires_python"].items() if not has_this_python(s)}:
        json.dump({"other_python": other, "python": platform.python_version()}, sys.stdout)
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch) / "report.json"
        done = _pip(question, Path(scratch), report)
        log = (Path(scratch) / "log").read_text()
        if done:
            if why := held_back.no_wheel(log):
                print(f"ERROR: {why}", file=sys.stderr)
            return done
        installed = {
            canonicalize_name(item["metadata"]["name"]): item
            for item in json.loads(report.read_text())["install"]
        }
    answer = {
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


def has_this_python(specifier: str) -> bool:
    """Tell whether a version specifier has the running Python; one that is none has not."""
    try:
        return SpecifierSet(specifier).contains(platform.python_version())
    except InvalidSpecifier:
        return False


def _pip(question: dict[str, Any], scratch: Path, report: Path) -> int:
    constraints = scratch / "constraints.txt"
    constraints.write_text("\n".join(question["constraints"]))
    requirements = scratch / "requirements.txt"
    requirements.write_text(
        "\n".join(sorted({r for rs in question["groups"].values() for r in rs}))
    )
    return subprocess.run(
        [
            sys.executable, "-c", PIP, question["machine"],
            "install", "--dry-run", "--ignore-installed", "--no-input",
            f"--target={scratch / 'target'}", f"--report={report}", f"--log={scratch / 'log'}",
            "--only-binary=:all:",
            "--implementation=cp", f"--python-version={question['python']}",
            *(f"--platform={tag}" for tag in question["platforms"]),
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
        "sha256": download["archive_info"]["hashes"]["sha256"],
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
