"""Which files of code locations are for git and their images, and which for neither."""

import json
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePath

from dagnix import UserError
from dagnix.host.git import make_known
from dagnix.process import run

# Secrets, environments and caches: what is no code unless git knows it. nix/default.nix leaves it
# out where there is no git.
LEFT_OUT = frozenset(json.loads(Path(__file__).with_name("left_out.json").read_text()))
VIRTUAL_ENVIRONMENT = "pyvenv.cfg"  # PEP 405; Nix looks for it as well
LARGE = 50_000_000  # bytes
MANY = 5  # files in a sentence


def add(root: Path, folder: Path, written: Iterable[Path]) -> None:
    """Have git know a location's code, and the files that were written for it.

    Raises:
        UserError: git takes no file of the folder, so that Nix would see none.

    """
    make_known(root, unknown(root, [folder, *written]))
    if not _listed(root, ["--cached"], [folder]):
        raise UserError(
            f"Git knows no file in {folder}, and Nix sees only what git knows: take {folder.name} "
            "out of .gitignore, or remove its .git if it is a repository of its own."
        )


def unknown(root: Path, paths: Sequence[Path]) -> list[str]:
    """Return the files that git would take, and does not know, by their names below `root`."""
    names = _listed(root, ["--others", "--exclude-standard"], paths)
    # A repository of its own is one name with a slash at its end.
    return [name for name in _without_left_out(root, names) if not name.endswith("/")]


def warnings(root: Path, folders: Sequence[Path]) -> Iterator[str]:
    """Say what a user may not expect of these locations' images."""
    known = [name for folder in folders for name in _for_image(root, folder)]
    usual = set(_without_left_out(root, known))
    if odd := [name for name in known if name not in usual]:
        yield (
            f"Git knows {_some(odd)}, so the image has it, as all that git knows: if that is not "
            "meant, or it holds a secret, `git rm --cached FILE` has git forget it"
        )
    for name in sorted(known):
        path = root / name
        if path.is_file() and (size := path.lstat().st_size) > LARGE:
            yield (
                f"{name} goes into a layer of the image, {size / 1e6:.0f} MB: keep data outside, "
                "or name the file in pyproject.toml, [tool.dagnix] exclude"
            )


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - MANY} more" if len(names) > MANY else ""
    return ", ".join(names[:MANY]) + more


def _for_image(root: Path, folder: Path) -> list[str]:
    """Return what git knows of a location, without what its pyproject.toml excludes."""
    try:
        project = tomllib.loads((folder / "pyproject.toml").read_text())
        excluded = [folder / each for each in project["tool"]["dagnix"]["exclude"]]
    except (OSError, ValueError, KeyError, TypeError):
        excluded = []  # the build says what is wrong with it
    return [
        name
        for name in _listed(root, ["--cached"], [folder])
        if not any((root / name).is_relative_to(each) for each in excluded)
    ]


def _without_left_out(root: Path, names: Iterable[str]) -> list[str]:
    seen: dict[PurePath, bool] = {PurePath(): False}

    def is_left_out(path: PurePath) -> bool:
        if path not in seen:
            seen[path] = (
                path.name in LEFT_OUT
                or (root / path / VIRTUAL_ENVIRONMENT).is_file()
                or is_left_out(path.parent)
            )
        return seen[path]

    return [name for name in names if not is_left_out(PurePath(name))]


def _listed(root: Path, words: Sequence[str], paths: Iterable[Path]) -> list[str]:
    command = [
        "git",
        "--literal-pathspecs",
        "-C",
        str(root),
        "ls-files",
        "-z",
        *words,
        "--",
        *map(str, paths),
    ]
    return run(command, "Git does not list the checkout").output.split("\0")[:-1]
