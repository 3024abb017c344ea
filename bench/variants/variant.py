"""What both variants can do, so that each figure is taken by the same code."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import edit, ready
from dagnix.backups.folder import ensure_folder
from dagnix.images.layout import Layout
from dagnix.project import Project
from dagnix.stack import lifecycle


class Variant(ABC):
    """A copy of the checkout, the three images made from it, and a stack that runs them.

    `project` has image tags, a port and a name of its own, and its files may be edited. `folder` is
    for files on the variant. `packages` may be added to the code location's: they are downloaded.
    """

    name: str

    def __init__(self, project: Project, folder: Path, packages: list[str]) -> None:
        self.project, self.folder, self.packages = project, folder, packages

    @property
    def counts_cpu(self) -> bool:
        """Whether all that builds is a process of ours, whose CPU time the kernel tells us."""
        return True

    @property
    @abstractmethod
    def once(self) -> float:
        """Seconds of what is made once on a machine, before the first build."""

    @abstractmethod
    def build(self) -> None:
        """Build the three images from the files as they are, and give them to podman."""

    @abstractmethod
    def start_anew(self) -> None:
        """Make `build_cold` find the downloads, and nothing else, and remove nothing.

        For some minutes Linux's ext4 takes no inode again that was in use: a build that makes
        thousands of files would be measured looking for others.
        """

    @abstractmethod
    def build_cold(self) -> None:
        """Build the three images with nothing built before, and give them to a podman."""

    @abstractmethod
    @contextmanager
    def layouts(self) -> Iterator[list[Layout]]:
        """Yield the three images as `build` made them last."""

    @abstractmethod
    def mounted(self, code: Path) -> Project:
        """Return the instance with its code served from a folder."""

    @abstractmethod
    @contextmanager
    def reloads(self, project: Project) -> Iterator[dict[str, Callable[[], object]]]:
        """Yield what makes edited code of a mounted folder live, by name; it returns when it is."""

    @abstractmethod
    def reload(self, project: Project) -> None:
        """Make edited code of a mounted folder live."""

    @abstractmethod
    def deploy(self) -> tuple[float, float]:
        """Make the edited code live in a new image.

        Return the seconds until the webserver serves it, and until all that belongs to it is done.
        """

    @property
    def code(self) -> Path:
        """The folder of the code location's project."""
        return self.project.root / "pipes"

    @property
    def config(self) -> Path:
        """The file that tells Dagster what its instance is like."""
        return self.project.root / "config" / "dagster.yaml"

    @property
    def workspace(self) -> Path:
        """The file that tells Dagster where the code is served."""
        return self.config.with_name("workspace.yaml")

    def edit_code(self) -> None:
        """Add a line to the code."""
        edit.one_line(self.code)

    def edit_config(self) -> None:
        """Add a line to Dagster's configuration, for people only."""
        edit.comment(self.config)

    def add_package(self, name: str) -> None:
        """Lock one more package for the code location."""
        edit.add_package(self.project.root, name)

    def start(self, project: Project | None = None, locations: int = 1) -> dict[str, float]:
        """Start the stack, or another project's; return when it was of use: see `ready.wait`."""
        chosen = project or self.project
        ensure_folder(chosen)
        return ready.wait(chosen, locations, lambda: lifecycle.start(chosen, [], anew=False))

    @abstractmethod
    def remove_builds(self) -> None:
        """Remove what was built."""

    def stop(self, project: Project | None = None) -> None:
        """Remove the stack and its data."""
        lifecycle.remove(project or self.project, volumes=True)
