"""Where things stand in a project and in Dagnix, for lock and fetch."""

import os
from dataclasses import dataclass
from pathlib import Path

from dagnix.project import find_root


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
        """Return the project that the launcher names, or the checkout that this file belongs to."""
        named, source = os.environ.get("DAGNIX_ROOT"), os.environ.get("DAGNIX_SOURCE")
        root = Path(named) if named else find_root(Path(__file__).resolve())
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
