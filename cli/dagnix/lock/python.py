"""pyproject.toml → nix/locks/python.json."""

import json
import re
import tempfile
import tomllib
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dagnix import UserError
from dagnix.fetch import bring, everything, inputs
from dagnix.lock import changes, lockfile
from dagnix.lock.checkout import Checkout
from dagnix.lock.command import CommandError, last_error, run
from dagnix.lock.nix import build
from dagnix.lock.systems import SYSTEMS, System, host_system
from dagnix.lock.wheels import PYTHON, platforms

SOLVER = Path(__file__).with_name("solve_wheels.py")
PATIENCE = 3  # solutions that keep most of the lock, before all of it may move


@dataclass(frozen=True)
class Lists:
    """What people edit in pyproject.toml and pipes/pyproject.toml."""

    groups: Mapping[str, list[str]]
    constraints: list[str]


def read_lists(checkout: Checkout) -> Lists:
    """Return the groups that people edit.

    Raises UserError for a file that is not as it should be.
    """
    root, pipes = _toml(checkout.pyproject), _toml(checkout.pipes_pyproject)
    try:
        named = root["dependency-groups"]
        groups = {name: _expanded(name, named) for name in named}
        groups["pipes"] = pipes["project"]["dependencies"]
        return Lists(groups, root["tool"]["dagnix"]["constraints"])
    except KeyError as error:
        raise UserError(
            f"{checkout.pyproject} or {checkout.pipes_pyproject} lacks {error}: put it in."
        ) from error


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text())
    except (FileNotFoundError, tomllib.TOMLDecodeError) as error:
        raise UserError(f"{path} cannot be read: {error}.") from error


def _expanded(name: str, groups: Mapping[str, list[Any]]) -> list[str]:
    """Return a group's requirements, with those of the groups that it includes (PEP 735)."""
    return [
        requirement
        for entry in groups[name]
        for requirement in (
            _expanded(entry["include-group"], groups) if isinstance(entry, dict) else [entry]
        )
    ]


def update(checkout: Checkout, *, upgrade: bool, interpreter: Path | None) -> list[str]:
    """Write the lock anew and return what changed; with `upgrade` everything is the newest.

    Without it what is locked stays, unless the lists or the index leave no other way.
    `interpreter` has pip and is of the images' version; None for that of the built command line.
    """
    old = lockfile.read(checkout.lock("python"))
    lists = read_lists(checkout)
    python = interpreter or _built(checkout)
    locked = {} if upgrade else old.get("packages", {})
    with ThreadPoolExecutor() as pool:
        answers = pool.map(
            lambda system: _solve(python, system, lists, locked.get(system.name, {})),
            SYSTEMS.values(),
        )
        solved = dict(zip(SYSTEMS, answers, strict=True))
    new = {
        "python": PYTHON,
        "packages": {system: answer["packages"] for system, answer in solved.items()},
        "groups": {system: answer["groups"] for system, answer in solved.items()},
    }
    _add_sizes(checkout, new["packages"], old.get("packages", {}))
    lockfile.write(checkout.lock("python"), new)
    return changes.describe(old.get("packages", {}), new["packages"])


def _built(checkout: Checkout) -> Path:
    # From the lock as it is: the edit may ask for more than it has.
    everything.files(checkout, [host_system()], locked=False)
    return build(checkout, "cli") / "bin" / "python"


def _solve(
    python: Path, system: System, lists: Lists, locked: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    keep = {name: entry["version"] for name, entry in locked.items()}
    for attempt in range(PATIENCE + 1):
        try:
            return _ask(python, system, lists, keep if attempt < PATIENCE else {})
        except CommandError as error:
            in_the_way = _with_companions(conflicting(error.output) & keep.keys(), keep)
            if not keep or attempt == PATIENCE or not (in_the_way or attempt):
                raise UserError(
                    f"pip finds no set of packages for {system.name} that fits pyproject.toml and "
                    f"pipes/pyproject.toml: {_reason(error.output)}."
                ) from error
            keep = {name: version for name, version in keep.items() if name not in in_the_way}
    raise AssertionError(system)


def _with_companions(names: set[str], locked: Iterable[str]) -> set[str]:
    """Add the packages that are named after these, as they are released together: dagster-…."""
    beginnings = tuple(f"{name}-" for name in names)
    return names | {each for each in locked if each.startswith(beginnings)}


def _reason(output: str) -> str:
    _, found, conflict = output.partition("The conflict is caused by:\n")
    if found:
        return "; ".join(line.strip() for line in conflict.split("\n\n")[0].splitlines())
    return last_error(output).removeprefix("ERROR: ")


def conflicting(output: str) -> set[str]:
    """Return the names of the packages whose pinned versions pip says are in the way."""
    pinned = re.findall(r"\(constraint\) ([\w.-]+)[<>=!~]", output)
    gone = re.findall(r"No matching distribution found for ([\w.-]+)==", output)
    return {re.sub(r"[-_.]+", "-", name).lower() for name in (*pinned, *gone)}


def _ask(python: Path, system: System, lists: Lists, keep: Mapping[str, str]) -> dict[str, Any]:
    pins = [f"{name}=={version}" for name, version in sorted(keep.items())]
    question = {
        "machine": system.machine,
        "platforms": platforms(system),
        "python": PYTHON,
        "groups": lists.groups,
        "constraints": [*lists.constraints, *pins],
    }
    with tempfile.NamedTemporaryFile("w", suffix=".json") as stream:
        json.dump(question, stream)
        stream.flush()
        return json.loads(run([python, SOLVER, stream.name]))


def _add_sizes(
    checkout: Checkout, packages: dict[str, dict[str, Any]], old: dict[str, dict[str, Any]]
) -> None:
    """Add each file's size, which no index tells pip: download those that the lock did not have."""
    new_files = []
    for system, entries in packages.items():
        for name, entry in entries.items():
            before = old.get(system, {}).get(name, {})
            if before.get("sha256") == entry["sha256"]:
                entry["size"] = before["size"]
            else:
                new_files.append(
                    inputs.LockedFile(
                        "python", name, entry["version"], entry["file"], 0, entry["sha256"], system
                    )
                )
    for file, size in bring.sizes(checkout, new_files).items():
        packages[file.system][file.package]["size"] = size
