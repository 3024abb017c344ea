"""The images: built by Nix as OCI layouts, loaded into podman where it lacks them."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from dagnix import UserError, console, locations, nix
from dagnix.locations import files
from dagnix.locations.faults import Faults
from dagnix.podman import image_ids, podman
from dagnix.process import CommandError
from dagnix.project import Project

REF_NAME = "org.opencontainers.image.ref.name"
VERSION_LABEL = "org.opencontainers.image.version"
# `podman pull` of local blobs; a slow disk may need minutes.
PULL_SECONDS = 600


class Layout:
    """An OCI image layout: a folder with index.json and blobs; `new` if it was built just now."""

    def __init__(self, folder: Path, *, new: bool = False) -> None:
        self.folder, self.new = folder, new
        (self.manifest,) = json.loads((folder / "index.json").read_text())["manifests"]

    @property
    def name(self) -> str:
        """The image's name without host and tag, which is also the service's in compose.yaml."""
        return self.manifest["annotations"][REF_NAME].rpartition(":")[0].rpartition("/")[2]

    def blob(self, digest: str) -> Path:
        """Return the file with this digest, such as sha256:…."""
        algorithm, _, digits = digest.partition(":")
        return self.folder / "blobs" / algorithm / digits

    @property
    def _contents(self) -> dict[str, Any]:
        return json.loads(self.blob(self.manifest["digest"]).read_text())

    @property
    def image_id(self) -> str:
        """The digest of the config, by which podman knows the image; hexadecimal."""
        return self._contents["config"]["digest"].partition(":")[2]

    @property
    def version(self) -> str:
        """The version on its label: Dagster's, PostgreSQL's, or the code's."""
        config = json.loads(self.blob(self._contents["config"]["digest"]).read_text())
        return config["config"]["Labels"][VERSION_LABEL]

    @property
    def layers(self) -> dict[str, Path]:
        """The layers' digests and tars, bottom up."""
        return {layer["digest"]: self.blob(layer["digest"]) for layer in self._contents["layers"]}


def names(project: Project) -> list[str]:
    """Return the names of all images."""
    return ["webserver", "daemon", *locations.names(project.root), "postgres", "gate"]


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
        theirs = locations.names(project.root)
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
        step.done = f"Images built: {log.built} builds" if log.built else "Images are built"
    return [Layout(path, new=bool(log.built)) for path in paths]


def link(project: Project, chosen: list[str] | None = None) -> Path:
    """Return the link to what was built last, which keeps it from garbage collection."""
    return project.roots / (f"image-of-{'-'.join(chosen)}" if chosen else "images")


def _warn_of_files(project: Project, chosen: Iterable[str] | None = None) -> None:
    own = [project.root / "config", project.root / "nix"]
    folders = {name: locations.code(project.root, name) for name in locations.names(project.root)}
    every = [folder for listed in folders.values() for folder in listed]
    if unknown := files.unknown(project.root, [*own, *every]):
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
    for sentence in files.warnings(project.root, built):
        console.warned(sentence)


def load(project: Project, layouts: list[Layout]) -> None:
    """Give podman the images that it lacks, under their names.

    Raises:
        UserError: podman's storage is full, or podman does not take an image.

    """
    with console.step("Loading the images", "Images are loaded") as step:
        current = image_ids(project, [name(project, layout.name) for layout in layouts])
        loaded = []
        for layout in layouts:
            own = name(project, layout.name)
            if current.get(own) != layout.image_id:
                step.show(f"Loading {layout.name}")
                tag(project, bring(project, layout), own)
                loaded.append(layout.name)
        if loaded:
            step.done = f"Images loaded: {', '.join(loaded)}"


def bring(project: Project, layout: Layout) -> str:
    """Give podman an image if it lacks it; return its ID. No name changes. Raises as `load`."""
    words = ["image", "exists", layout.image_id]
    failure = "Podman does not tell which images it has"
    if layout.new or podman(project, *words, failure=failure, check=False).returncode:
        _pull(project, layout)
    return layout.image_id


def present(project: Project, services: Iterable[str]) -> set[str]:
    """Return those of the services whose image podman has, under its name in compose.yaml."""
    by_name = {name(project, service): service for service in services}
    return {by_name[each] for each in image_ids(project, by_name) if each in by_name}


def name(project: Project, service: str) -> str:
    """Return the name of a service's image in compose.yaml."""
    return f"localhost/dagnix/{service}:{project.version}"


def tag(project: Project, image_id: str, name: str) -> None:
    """Give an image a name."""
    podman(project, "tag", image_id, name, failure=f"Podman cannot name {name}")


def _pull(project: Project, layout: Layout) -> None:
    failure = f"Podman cannot load {layout.folder}"
    words = ["pull", "--quiet", f"oci:{layout.folder}"]
    try:
        podman(project, *words, failure=failure, timeout=PULL_SECONDS)
        # Podman 4 names the image after the folder, which says nothing to anyone.
        words = ["untag", layout.image_id, f"localhost{layout.folder}"]
        podman(project, *words, failure=failure, check=False)
    except CommandError as error:
        if not error.result.no_space:
            raise
        words = ["info", "--format", "{{.Store.GraphRoot}}"]
        root = podman(project, *words, failure="Podman does not tell its storage").output.strip()
        raise UserError(
            f"Podman's storage at {root} is full: make room with `podman image prune`, or give it "
            "a larger disk (graphroot in storage.conf)."
        ) from error
