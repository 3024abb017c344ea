"""An edit of one line of code until podman has the image, beside the same with `podman build`."""

import statistics
import time
import tomllib
from collections.abc import Callable
from pathlib import Path

from bench import blobs, containerfile, edit
from bench.blobs import News
from bench.figure import Figure
from dagnix import console
from dagnix.code.mount import SERVICE
from dagnix.deploy import deploy
from dagnix.images import build as images_build
from dagnix.images import tags
from dagnix.images.layout import Layout
from dagnix.project import Project
from dagnix.testing import scratch

RUNS = 5
SECONDS = 1
KB = 1000
MORE = 16 * 1024  # bytes that an edit may cost beside the code


class _Dagnix:
    """As `./dagnix deploy` does it."""

    def __init__(self, project: Project) -> None:
        self.project, self.layouts = project, list[Layout]()

    def build(self) -> None:
        release = deploy.build(self.project, SERVICE)
        tags.tag(self.project, release.image_id, _name(self.project, "nix"))
        self.layouts.append(Layout(images_build.link(self.project, [SERVICE]).resolve()))

    def news(self) -> News:
        return blobs.news(*self.layouts[-2:])


class _Containerfile:
    """With `podman build`, whose cache is warm."""

    def __init__(self, project: Project, text: str, base: str, folder: Path) -> None:
        self.project, self.folder = project, folder
        self.names = list[str]()
        self.file = folder / "Containerfile"
        folder.mkdir()
        self.file.write_text(text.format(base=base))
        excluded = tomllib.loads((project.root / SERVICE / "pyproject.toml").read_text())
        (folder / ".containerignore").write_text("\n".join(excluded["tool"]["dagnix"]["exclude"]))

    def build(self) -> None:
        self.names.append(_name(self.project, "containerfile"))
        code = self.project.root / SERVICE
        containerfile.build(self.project, self.file, code, self.names[-1])

    def news(self) -> News:
        return blobs.news(
            *(
                containerfile.layout(self.project, name, self.folder / str(number))
                for number, name in enumerate(self.names[-2:])
            )
        )


def figures(project: Project) -> list[Figure]:
    """Return the time, and the bytes that are new on disk and to a registry."""
    with (
        scratch.checkout(project) as copy,
        scratch.own_images(copy) as own,
        scratch.folder(own) as folder,
    ):
        dagnix = _Dagnix(own)
        timing = _timed(own, dagnix.build)
        base = _name(own, "base")
        containerfile.base(own, dagnix.layouts[-1], folder / "base", base)
        compiled = _Containerfile(own, containerfile.COMPILED, base, folder / "compiled")
        plain = _Containerfile(own, containerfile.PLAIN, base, folder / "plain")
        with console.step("Building with podman build"):
            other = _timed(own, compiled.build)
        with console.step("Building with podman build, without .pyc files"):
            without = _timed(own, plain.build)
        goal = min(SECONDS, statistics.median(other))
        name = "edit to image in podman"
        return [
            Figure.of(name, "s", timing, other, goal=goal, how="pipes alone, on the same layers"),
            Figure.of(
                f"{name}, no .pyc", "s", timing, without, how="Dagnix with .pyc all the same"
            ),
            *_bytes(dagnix.news(), compiled.news()),
        ]


def _timed(project: Project, build: Callable[[], None]) -> list[float]:
    """Return the times in seconds of builds, each after an edit; a first one warms the caches."""
    timing = []
    for _ in range(1 + RUNS):
        edit.one_line(project.root / SERVICE)
        began = time.monotonic()
        build()
        timing.append(time.monotonic() - began)
    return timing[1:]


def _bytes(ours: News, theirs: News) -> list[Figure]:
    goal = (ours.content + MORE) / KB
    what = f"the code: {ours.files} files, {ours.content / KB:.0f} KB with .pyc; new layers: "
    what += f"{ours.layers}, podman build: {theirs.layers}"
    return [
        Figure.of(
            "edit, new on disk", "KB", [ours.stored / KB], [theirs.stored / KB], goal=goal, how=what
        ),
        Figure.of(
            "edit, new to a registry",
            "KB",
            [ours.pushed / KB],
            [theirs.pushed / KB],
            goal=goal,
            how="layers compressed, config and manifest",
        ),
    ]


def _name(project: Project, variant: str) -> str:
    return tags.name(project.with_tag(f"{project.version}-{variant}-{time.time_ns()}"), SERVICE)
