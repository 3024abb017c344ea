"""pyproject.toml → nix/locks/python.json."""

import json
import re
import tempfile
import tomllib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dagnix import UserError, code_locations
from dagnix.checkout import Checkout
from dagnix.faults import Faults
from dagnix.locks import inputs, lockfile
from dagnix.locks.command import last_error, output_of
from dagnix.locks.fetch import download, everything
from dagnix.locks.nix import build
from dagnix.locks.platforms import PYTHON, platforms
from dagnix.locks.solve import changes, debian, dependencies, project_lock
from dagnix.locks.solve import pythons as lock_pythons
from dagnix.locks.solve.project_lock import ProjectLock
from dagnix.locks.solve.pythons import Python
from dagnix.locks.solve.relock import relock
from dagnix.locks.solve.source_archives import Missing, SourceArchives
from dagnix.locks.solve.take import Take
from dagnix.locks.systems import SYSTEMS, System, host_system
from dagnix.process import CommandError

SOLVER = Path(__file__).with_name("solve_wheels.py")
Packages = Mapping[str, Mapping[str, Any]]  # system → package → its entry in a lock

PATIENCE = 3  # solutions that keep most of the lock, before all of it may move


@dataclass(frozen=True)
class Lists:
    """What people edit, and the files that they edit.

    `pythons` are the versions of Python that projects run on, by the file that says so, as version
    specifiers; "" is any. `newest_dagster` is the version that the webserver and the daemon have,
    where these lists may have an older one; "" where they are those of webserver and daemon.
    `project_lock` is the project's own, whose versions are taken. `location` is the name of the
    code location and its project's folder, `members` are the projects of this checkout that it
    depends on, and `debian` the Debian packages that its image has on
    top.
    """

    groups: Mapping[str, Sequence[str]]
    constraints: Sequence[str]
    files: tuple[Path, ...]
    pythons: Mapping[Path, str]
    newest_dagster: str = ""
    project_lock: ProjectLock | None = None
    location: tuple[str, Path] = ("", Path())
    members: Sequence[Path] = ()
    debian: Collection[str] = ()

    @property
    def is_further(self) -> bool:
        """Whether they are those of a further code location, which may have a Python of its own."""
        return bool(self.newest_dagster)

    def may_have(self, offered: Sequence[Python]) -> Sequence[Python]:
        """Return the Pythons that are for these lists, best first."""
        return offered if self.is_further else offered[:1]


@dataclass(frozen=True)
class Solver:
    """pip, run by `interpreter`: what it is asked for every machine.

    `offered` are the Pythons, best first; `wheels` is a folder with wheels that no index has.
    `hold` returns the specifier that a locked version has to fit.
    """

    interpreter: Path
    offered: Sequence[Python]
    lists: Lists
    wheels: Path
    hold: Callable[[str], str] = "=={}".format


def read_lists(checkout: Checkout) -> Lists:
    """Return the groups that people edit.

    Raises UserError for a file that is not as it should be.
    """
    root = _toml(checkout.pyproject)
    pipes = dependencies.of(checkout, checkout.pipes)
    try:
        named = root["dependency-groups"]
        groups = {name: _expanded(name, named) for name in named}
        own = root["tool"]["dagnix"]
        constraints = [*own["constraints"], *own["location-constraints"]]
    except KeyError as error:
        raise UserError(f"{checkout.pyproject} lacks {error}: put it in.") from error
    return Lists(
        {**groups, code_locations.FIRST: pipes.requirements},
        [*constraints, *pipes.constraints],
        (checkout.pyproject, pipes.file),
        {pipes.file: pipes.python},
        project_lock=project_lock.find(checkout, checkout.pipes, code_locations.FIRST, pipes),
        location=(code_locations.FIRST, checkout.pipes),
        members=pipes.members,
        debian=debian.named(checkout, code_locations.FIRST, checkout.pipes),
    )


def location_constraints(checkout: Checkout) -> list[str]:
    """Return the constraints of every code location. Raises as `read_lists`."""
    try:
        return _toml(checkout.pyproject)["tool"]["dagnix"]["location-constraints"]
    except KeyError as error:
        raise UserError(f"{checkout.pyproject} lacks {error}: put it in.") from error


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text())
    except (OSError, ValueError) as error:  # no TOML, or no UTF-8
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


def update(checkout: Checkout, take: Take, *, interpreter: Path | None) -> list[str]:
    """Write the lock anew and return what changed.

    What is locked and not to be taken anew stays, unless the lists or the index leave no other way.
    `interpreter` has pip and packaging; None for that of the built command line.
    """
    old = lockfile.read(checkout.locked("python"))
    new, held_back = of_images(checkout, interpreter or built(checkout), old, take)
    add_sizes(checkout, new, old.get("packages", {}))
    lockfile.write(checkout.lock("python"), new)
    return [*changes.describe(old.get("packages", {}), new["packages"]), *held_back]


def of_images(
    checkout: Checkout, interpreter: Path, old: Mapping[str, Any], take: Take
) -> tuple[dict[str, Any], list[str]]:
    """Return the lock of the images that follows from another one, and more, as `solved`."""
    locked = old.get("packages", {})
    python = old.get("python", PYTHON)
    return solved(checkout, interpreter, read_lists(checkout), locked, python, take)


def solved(  # noqa: PLR0913, PLR0917 - what a lock follows from
    checkout: Checkout,
    interpreter: Path,
    lists: Lists,
    locked: Packages,
    python: str = PYTHON,
    take: Take = Take.NOTHING,
) -> tuple[dict[str, Any], list[str]]:
    """Return a lock that fits the lists and keeps what is locked where it can; without sizes.

    `python` is the version that what is locked is for, and `take` what moves all the same.

    Beside it are sentences about packages that are older than they might be for want of a wheel,
    or that are not as the project's own lock has them.
    Raises UserError if there is none.
    """
    offered = lock_pythons.read(checkout)
    locked = {} if take is Take.NEWEST else locked

    def solve_build(requires: Sequence[str], python: str) -> Mapping[str, Any]:
        its = [each for each in offered if each.full_version == python]
        asked = Lists({"build": requires}, (), (), {})
        # From the index alone, not from what is built here.
        only = Solver(interpreter, its, asked, Path(scratch))
        packages = {
            name: _ask(only, system, {})["packages"] if requires else {}
            for name, system in SYSTEMS.items()
        }
        add_sizes(checkout, {"packages": packages, "python": python.rpartition(".")[0]})
        return packages

    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor() as pool:
        folder = Path(scratch) / "wheels"
        folder.mkdir()
        archives = SourceArchives(
            checkout, folder, solve_build, locked, lists.location, lists.debian
        )
        archives.build_locked(python)
        solver = Solver(interpreter, offered, lists, folder)
        if take is Take.SECURITY:
            solver = replace(solver, hold=patch_releases)
        answers = pool.map(
            lambda system: _solve(solver, system, locked.get(system.name, {}), archives),
            SYSTEMS.values(),
        )
        found = dict(zip(SYSTEMS, answers, strict=True))
    lock = {
        "python": next(iter(found.values()))["python"].rpartition(".")[0],
        "packages": {system: answer["packages"] for system, answer in found.items()},
        "groups": {system: answer["groups"] for system, answer in found.items()},
    }
    if lists.members:
        lock["members"] = [str(each.relative_to(checkout.root)) for each in lists.members]
    said = {system: answer["held_back"] for system, answer in found.items()}
    return lock, changes.by_system(said)


def built(checkout: Checkout) -> Path:
    """Build the command line, and return its Python, which has pip and packaging."""
    # From the lock as it is: the edit may ask for more than it has.
    everything.files(checkout, [host_system()], Faults(), relock=relock)
    return build(checkout, "cli") / "bin" / "python"


def _solve(
    solver: Solver,
    system: System,
    locked: Mapping[str, Mapping[str, Any]],
    archives: SourceArchives,
) -> dict[str, Any]:
    lists = solver.lists
    versions = [each.full_version for each in lists.may_have(solver.offered)]
    followed = project_lock.follow(
        solver.interpreter, system, lists.project_lock, versions, _bounds(lists)
    )
    keep = {name: entry["version"] for name, entry in locked.items()}
    attempt = 0
    refused: dict[Missing, str] = {}  # "" for what was built
    while True:
        fixed = followed.versions if followed else {}
        kept = {} if attempt >= PATIENCE else {n: v for n, v in keep.items() if n not in fixed}
        pins = {name: solver.hold(version) for name, version in kept.items()}
        pins |= {name: f"=={version}" for name, version in fixed.items()}
        try:
            answer = _ask(solver, system, pins)
        except CommandError as error:
            named, reason = conflicting(error.output), _reason(error.output)
            missing = _missing(error)
            if missing:
                if missing not in refused:
                    refused[missing] = archives.add(missing)
                    if not refused[missing]:
                        continue
                reason = refused[missing] or reason
            in_the_way = _with_companions(named & kept.keys(), kept)
            let_go = _with_companions(named & fixed.keys(), fixed)
            if in_the_way or (kept and not let_go):
                keep = {name: version for name, version in kept.items() if name not in in_the_way}
                # Where pip names none of them, any may be what led it there.
                attempt = attempt + 1 if in_the_way else PATIENCE
            elif followed and let_go:
                followed.let_go |= dict.fromkeys(let_go, reason)
            else:
                raise UserError(_no_solution(system, lists, reason)) from error
        else:
            answer["packages"] = archives.in_place(answer["packages"], system.name)
            said = followed.differences(answer) if followed else []
            return {**answer, "held_back": [*answer["held_back"], *said]}


def _no_solution(system: System, lists: Lists, reason: str) -> str:
    files = " and ".join(map(str, lists.files))
    said = f"pip finds no set of packages for {system.name} that fits {files}: {reason}."
    if lists.newest_dagster and f"<={lists.newest_dagster}" in reason:
        said += (
            f" The webserver and the daemon have Dagster {lists.newest_dagster}, and must not be "
            "older than the code: ask for that or an older one, or upgrade them first "
            "(docs/howto/upgrade.md)."
        )
    return said


def _no_python(file: str, desired: str, offered: Sequence[Python], lists: Lists) -> str:
    versions = [each.full_version for each in offered]
    if lists.is_further:
        return (
            f"{file} asks for Python {desired}, and Debian has {', '.join(versions)}: "
            "if the code runs on one of those, say so there."
        )
    others = f"; a further code location may have {', '.join(versions[1:])}" if versions[1:] else ""
    return (
        f"{file} asks for Python {desired}, and the images have {versions[0]}, Debian's{others}: "
        "if the code runs on that, say so there."
    )


def _with_companions(names: set[str], locked: Iterable[str]) -> set[str]:
    """Add the packages that are named after these, as they are released together: dagster-…."""
    beginnings = tuple(f"{name}-" for name in names)
    return names | {each for each in locked if each.startswith(beginnings)}


def _missing(error: CommandError) -> Missing | None:
    """Return what there is no wheel of, if that is why the solver failed.

    Raises UserError if an index does not answer.
    """
    said = json.loads(error.result.output or "{}")
    if "unanswered" in said:
        raise UserError(
            f"The Python index does not answer ({said['unanswered']}): check the network and pip's "
            "configuration, or try again later."
        ) from error
    return Missing(**said["no_wheel"]) if said else None


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


def _bounds(lists: Lists) -> list[str]:
    newest = [f"dagster<={lists.newest_dagster}"] if lists.newest_dagster else []
    return [*lists.constraints, *newest]


def series(version: str) -> str:
    """Return what a version has in common with its patch releases: 1.2 of 1.2.3, 1.0 of 1."""
    numbers = re.match(r"(?P<first>(\d+!)?\d+)(\.(?P<second>\d+))?", version)
    return f"{numbers['first']}.{numbers['second'] or 0}" if numbers else version


def patch_releases(version: str) -> str:
    """Return the specifier of a version and its patch releases: 1.2.3 and all 1.2.* after it."""
    public, _, _ = version.partition("+")  # no order comprises a local version
    return f">={public},=={series(version)}.*"


def _ask(solver: Solver, system: System, keep: Mapping[str, str]) -> dict[str, Any]:
    lists = solver.lists
    pins = [f"{name}{specifier}" for name, specifier in sorted(keep.items())]
    question = {
        "machine": system.machine,
        "pythons": [
            {"version": each.full_version, "platforms": platforms(system, each.glibc)}
            for each in lists.may_have(solver.offered)
        ],
        "requires_python": {str(file): desired for file, desired in lists.pythons.items()},
        "groups": lists.groups,
        "constraints": [*_bounds(lists), *pins],
        "find_links": str(solver.wheels),
    }
    with tempfile.NamedTemporaryFile("w", suffix=".json") as stream:
        json.dump(question, stream)
        stream.flush()
        answer = json.loads(output_of([solver.interpreter, SOLVER, stream.name]))
    for file, desired in answer.get("other_python", {}).items():
        raise UserError(_no_python(file, desired, solver.offered, lists))
    return answer


def add_sizes(checkout: Checkout, lock: dict[str, Any], *known: Packages) -> None:
    """Add each file's size to a lock, as no index tells pip: download those that no lock has."""
    packages: dict[str, dict[str, Any]] = lock["packages"]
    sizes = {
        entry["sha256"]: entry["size"]
        for other in known
        for entries in other.values()
        for entry in entries.values()
    }
    new_files = []
    for system, entries in packages.items():
        for name, entry in entries.items():
            if entry["sha256"] in sizes:
                entry["size"] = sizes[entry["sha256"]]
            elif "size" not in entry:  # as a source archive has it
                new_files.append(
                    inputs.LockedFile(
                        "python",
                        name,
                        entry["version"],
                        entry["file"],
                        0,
                        entry["sha256"],
                        system,
                        python=lock["python"],
                    )
                )
    for file, size in download.sizes(checkout, new_files).items():
        packages[file.system][file.package]["size"] = size
