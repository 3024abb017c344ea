"""A project's own lock, uv.lock or pylock.toml, whose versions are what is built."""

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dagnix import UserError
from dagnix.checkout import Checkout
from dagnix.locks.command import output_of
from dagnix.locks.solve import uv_workspace
from dagnix.locks.solve.dependencies import Dependencies
from dagnix.locks.systems import System

NAMES = ("uv.lock", "pylock.toml")  # where both are there, the second is made from the first
READER = Path(__file__).with_name("follow_lock.py")


@dataclass(frozen=True)
class ProjectLock:
    """The lock of one project, and what the project asks for.

    `python` is a specifier of the versions of Python that the project runs on, "" for any.
    """

    file: Path
    group: str
    requirements: Sequence[str]
    python: str


@dataclass
class Followed:
    """What a lock has for one machine. `let_go` has the reasons why versions are not taken."""

    lock: ProjectLock
    pins: Mapping[str, Mapping[str, Any]]  # package → {"version", "sha256": […]}
    let_go: dict[str, str] = field(default_factory=dict)

    @property
    def versions(self) -> dict[str, str]:
        """The versions that pip has to take."""
        return {n: pin["version"] for n, pin in self.pins.items() if n not in self.let_go}

    def differences(self, answer: Mapping[str, Any]) -> list[str]:
        """Return a sentence for all that a solution has otherwise than the lock.

        Raises UserError where the index has another file of the same version than the lock.
        """
        file, said, added = self.lock.file, [], []
        for name in answer["groups"][self.lock.group]:
            entry, pin = answer["packages"][name], self.pins.get(name)
            if pin is None:
                added.append(f"{name} {entry['version']}")
            elif why := self.let_go.get(name):
                if entry["version"] != pin["version"]:
                    here = f"{name} is {entry['version']}, not {pin['version']} as in {file}"
                    said.append(f"{here}: {why}")
            elif pin["sha256"] and entry["sha256"] not in pin["sha256"]:
                raise UserError(
                    f"The index has {entry['file']} with another hash than {file}: if that file is "
                    "the right one, lock the project again."
                )
        return [*said, *([f"added to what {file} has: {', '.join(added)}"] if added else [])]


def find(checkout: Checkout, folder: Path, group: str, project: Dependencies) -> ProjectLock | None:
    """Return the lock that a project has, if any, for this code location.

    That of a uv workspace of which it is a member, as uv has no other for members; or else the one
    in its folder.
    """
    workspace = uv_workspace.root(checkout, folder)
    above = [workspace / NAMES[0]] if workspace else []
    files = [*above, *(folder / name for name in NAMES)]
    file = next((file for file in files if file.is_file()), None)
    return ProjectLock(file, group, project.declared, project.python) if file else None


def follow(
    interpreter: Path,
    system: System,
    lock: ProjectLock | None,
    pythons: Sequence[str],
    constraints: Sequence[str],
) -> Followed | None:
    """Return what a lock has for a machine and the first of the Pythons that its project runs on.

    Raises UserError if it cannot be followed.
    """
    if lock is None:
        return None
    question = {
        "machine": system.machine,
        "file": str(lock.file),
        "pythons": list(pythons),
        "requires_python": [lock.python],
        "requirements": list(lock.requirements),
        "constraints": list(constraints),
    }
    with tempfile.NamedTemporaryFile("w", suffix=".json") as stream:
        json.dump(question, stream)
        stream.flush()
        answer = json.loads(output_of([interpreter, READER, stream.name]))
    if "refused" in answer:
        raise UserError(answer["refused"])
    left = answer["left"]
    let_go = {name: f"{entry['why']} is asked for here" for name, entry in left.items()}
    pins = answer["pins"] | {
        name: {"version": entry["version"], "sha256": []} for name, entry in left.items()
    }
    return Followed(lock, pins, let_go)
