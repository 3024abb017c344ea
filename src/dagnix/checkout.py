"""Where things stand in a project and in Dagnix (standard library only)."""

import os
from dataclasses import dataclass
from pathlib import Path

from dagnix import UserError


@dataclass(frozen=True)
class Checkout:
    """The project at `root`: what people edit, the locks, and the state outside git.

    `source` is Dagnix, with its own lists: the same folder unless the project has a flake of its
    own. Then it stands in the Nix store, and nothing can be written there.
    """

    root: Path
    source: Path

    @classmethod
    def here(cls) -> "Checkout":
        """Return the project that the launcher names, or that around the working directory.

        Raises:
            UserError: there is none.

        """
        named = os.environ.get("DAGNIX_ROOT")
        return cls.at(Path(named) if named else _find_root(Path.cwd()))

    @classmethod
    def at(cls, root: Path) -> "Checkout":
        """Return the project in a folder, with the Dagnix that the launcher names."""
        source = os.environ.get("DAGNIX_SOURCE")
        return cls(root, Path(source) if source else root)

    @property
    def is_dagnix(self) -> bool:
        """Whether this is Dagnix's own checkout."""
        return self.root == self.source

    @property
    def state(self) -> Path:
        """Git-ignored; may be deleted at any time."""
        return self.root / ".dagnix"

    @property
    def downloads(self) -> Path:
        """Files on their way into the store."""
        return self.state / "downloads"

    @property
    def roots(self) -> Path:
        """Links that keep store paths from Nix's garbage collection."""
        return self.state / "roots"

    @property
    def debian_list(self) -> Path:
        """The Debian packages of each group."""
        return self.source / "nix" / "debian.toml"

    @property
    def pyproject(self) -> Path:
        """The Python packages of each group, and their constraints."""
        return self.source / "pyproject.toml"

    @property
    def digests(self) -> Path:
        """The digests of Dagnix's images."""
        return self.source / "nix" / "digests.json"

    @property
    def pipes(self) -> Path:
        """The project of the first code location."""
        return self.root / "pipes"

    def lock(self, ecosystem: str) -> Path:
        """Return where the lock of "debian" or "python" is written; Go's is Dagnix's alone."""
        home = self.source if ecosystem == "go" else self.root
        return home / "nix" / "locks" / f"{ecosystem}.json"

    def locked(self, ecosystem: str) -> Path:
        """Return the lock file that is built from: Dagnix's, until the project has its own."""
        own = self.lock(ecosystem)
        return own if own.exists() else self.source / "nix" / "locks" / own.name


def _find_root(start: Path) -> Path:
    """Return the checkout that `start` is in.

    Raises:
        UserError: no folder above has Dagnix's flake and compose.yaml.

    """
    for folder in (start, *start.parents):
        if (folder / "flake.nix").is_file() and (folder / "compose.yaml").is_file():
            return folder
    raise UserError(f"{start} is not in a Dagnix checkout: run ./dagnix in the checkout's folder.")
