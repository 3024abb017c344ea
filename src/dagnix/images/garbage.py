"""What the builds of this checkout leave in the Nix store, and nothing needs any longer.

`.dagnix/builds.json` has the store paths of the builds. It may be deleted at any time: what it
named stays then until Nix's own garbage collection.
"""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from dagnix import console
from dagnix.file_lock import held
from dagnix.locks import lockfile
from dagnix.process import CommandError, run
from dagnix.project import Project

FLAKE = "flake.nix"
AT_ONCE = 1000  # paths, as the length of a command is limited


@dataclass
class Builds:
    """The builds so far: `count` is their number, and `removed` that when garbage was removed.

    `paths` is store path → number of the last build that is made of it.
    """

    count: int = 0
    removed: int = 0
    paths: dict[str, int] = field(default_factory=dict)


def collect(project: Project, *, silent: bool = False) -> None:
    """Note what was built last; remove what only builds before the last ones are made of.

    It says so when it removes something, unless it is `silent`.

    As many builds count as images are kept, and it is done once in so many, as Nix looks at its
    whole store for that. What a root of anybody's keeps stays. If Nix fails, the next call does it.

    Raises:
        UserError: DAGNIX_IMAGES_KEPT is no number.

    """
    kept = project.images_kept
    with suppress(CommandError), _builds(project) as builds:
        made_of = _made_of(str(link) for link in project.roots.glob("*") if link.exists())
        builds.count += bool(made_of - builds.paths.keys())
        builds.paths |= dict.fromkeys(made_of, builds.count)
        if builds.count - builds.removed < kept:
            return
        says = "Removing what only older builds need from the Nix store"
        with nullcontext() if silent else console.step(says, says.replace("Removing", "Removed")):
            _remove(project, builds, builds.count - kept)
        builds.removed = builds.count
        builds.paths = {path: last for path, last in builds.paths.items() if Path(path).exists()}


def _remove(project: Project, builds: Builds, last: int) -> None:
    """Remove what no root keeps, and only builds up to the number `last` are made of."""
    dead = _nix_store("--gc", "--print-dead")
    old = {path for path in dead if builds.paths.get(path, builds.count) <= last}
    old |= {path for path in dead if _is_copy(project, Path(path))}
    words = sorted(old)
    for start in range(0, len(words), AT_ONCE):
        _nix_store("--delete", *words[start : start + AT_ONCE])


def _made_of(outputs: Iterable[str]) -> set[str]:
    """Return the store paths that outputs, or links to some, are made of, and the derivations."""
    found = list(outputs)
    derivers = _nix_store("--query", "--deriver", *found) if found else set()
    # A file that was added to the store has none, and one of another machine is not here.
    here = [each for each in sorted(derivers) if Path(each).exists()]
    return _nix_store("--query", "--requisites", "--include-outputs", *here) if here else set()


def _is_copy(project: Project, path: Path) -> bool:
    """Tell whether this is a checkout as Nix copies it to evaluate its flake, at each edit anew."""
    flake = path / FLAKE
    return (
        path.name.endswith("-source")
        and flake.is_file()
        and flake.read_bytes() == (project.root / FLAKE).read_bytes()
    )


def _nix_store(*words: str) -> set[str]:
    return set(run(["nix-store", *words], "Nix does not tell of its store").output.split())


@contextmanager
def _builds(project: Project) -> Iterator[Builds]:
    """Read the file, and write what has become of it."""
    file = project.state / "builds.json"
    with held(project.state / "builds.lock", lambda: None):
        try:
            builds = Builds(**json.loads(file.read_text()))
        except (FileNotFoundError, ValueError, TypeError):
            builds = Builds()
        yield builds
        lockfile.write(file, asdict(builds))
