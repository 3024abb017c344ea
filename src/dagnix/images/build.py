"""The images: built by Nix as OCI layouts, loaded into podman where it lacks them."""

from collections.abc import Iterable
from pathlib import Path

from dagnix import UserError, code_locations, console
from dagnix.faults import Faults
from dagnix.host import nix
from dagnix.images import sources
from dagnix.images.layout import Layout
from dagnix.project import Project


def names(project: Project) -> list[str]:
    """Return the names of all images."""
    return ["webserver", "daemon", *code_locations.names(project.root), "postgres", "gate"]


def require(project: Project, chosen: Iterable[str]) -> None:
    """Raise UserError if there is no image of one of these names."""
    known = names(project)
    for name in chosen:
        if name not in known:
            raise UserError(f"There is no image {name}: it is one of {', '.join(known)}.")


def build(project: Project, chosen: list[str] | None = None) -> list[Layout]:
    """Build images, all without a choice, in one `nix build`; warn of files that they lack."""
    _warn_of_files(project, chosen)
    return _build(project, chosen)


def build_each(project: Project, faults: Faults) -> list[Layout]:
    """Build all images; that of a code location that cannot be built is a fault of its own.

    Raises:
        UserError: another image cannot be built.

    """
    _warn_of_files(project)
    try:
        return _build(project, None, "--keep-going")
    except UserError:
        # Which ones? Nix evaluates all before it builds the first; what is built is there at once.
        theirs = code_locations.names(project.root)
        layouts = _build(project, [name for name in names(project) if name not in theirs])
        for name in theirs:
            with faults.of(name):
                layouts += _build(project, [name])
        return layouts


def _build(project: Project, chosen: list[str] | None, *options: str) -> list[Layout]:
    doing = f"Building {', '.join(chosen)}" if chosen else "Building the images"
    with console.step(doing) as step:
        log = nix.Log(step.show)
        packages = [f"{name}-oci" for name in chosen or names(project)]
        paths = nix.build(project, packages, log, *options, "--out-link", link(project, chosen))
        _remove_links(project, chosen, len(paths))
        step.done = f"Images built: {log.built} builds" if log.built else "Images are built"
    return [Layout(path, new=bool(log.built)) for path in paths]


def link(project: Project, chosen: list[str] | None = None) -> Path:
    """Return the link to what was built last, which keeps it from garbage collection."""
    return project.roots / (f"image-of-{'-'.join(chosen)}" if chosen else "images")


def _remove_links(project: Project, chosen: list[str] | None, count: int) -> None:
    """Remove links to images that a build of all has made anew, or that there are no more."""
    if chosen is None:
        numbered = {project.roots / f"images-{number}" for number in range(1, count)}
        for link in {*project.roots.glob("images-*"), *project.roots.glob("image-of-*")} - numbered:
            link.unlink(missing_ok=True)


def _warn_of_files(project: Project, chosen: Iterable[str] | None = None) -> None:
    own = [project.root / each for each in ("config", "nix", "src")]
    root = project.root
    folders = {name: code_locations.code(root, name) for name in code_locations.names(root)}
    every = [folder for listed in folders.values() for folder in listed]
    if unknown := sources.unknown(root, [*own, *every]):
        console.warned(
            f"Git does not know {', '.join(unknown)}: the images lack what git does not know "
            "(`git add -N FILE` is enough)"
        )
    built = [
        folder
        for name, listed in folders.items()
        if chosen is None or name in chosen
        for folder in listed
    ]
    for sentence in sources.warnings(root, built):
        console.warned(sentence)
