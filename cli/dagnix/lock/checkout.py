"""Where things stand in a checkout, for lock and fetch."""

import os
from dataclasses import dataclass
from pathlib import Path

from dagnix.project import find_root


@dataclass(frozen=True)
class Checkout:
    """The repository at `root`: what people edit, the locks, and the state outside git."""

    root: Path

    @classmethod
    def here(cls) -> "Checkout":
        """Return the checkout that the launcher names, or the one that this file belongs to."""
        named = os.environ.get("DAGNIX_ROOT")
        return cls(Path(named) if named else find_root(Path(__file__).resolve()))

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
        return self.root / "nix" / "debian.toml"

    @property
    def pyproject(self) -> Path:
        """The Python packages of each group, and their constraints."""
        return self.root / "pyproject.toml"

    @property
    def pipes_pyproject(self) -> Path:
        """What the team's own code needs."""
        return self.root / "pipes" / "pyproject.toml"

    def lock(self, ecosystem: str) -> Path:
        """Return the lock file of "debian", "python" or "go"."""
        return self.root / "nix" / "locks" / f"{ecosystem}.json"
