"""What an image holds, read from its OCI layout without running it."""

import json
import tarfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from dagnix.images.layout import Layout


def blob(layout: Layout, digest: str) -> Any:
    """Read a JSON blob, such as a manifest or a config."""
    algorithm, _, name = digest.partition(":")
    return json.loads((layout.folder / "blobs" / algorithm / name).read_text())


def manifest(layout: Layout) -> dict[str, Any]:
    """Return the image's manifest."""
    return blob(layout, layout.manifest["digest"])


def config(layout: Layout) -> dict[str, Any]:
    """Return what the image runs, and as whom."""
    return blob(layout, manifest(layout)["config"]["digest"])["config"]


@dataclass(frozen=True)
class Contents:
    """All files of an image by absolute path, those of upper layers over those of lower ones."""

    members: dict[PurePosixPath, tuple[tarfile.TarInfo, tarfile.TarFile]]

    def __iter__(self) -> Iterator[tuple[PurePosixPath, tarfile.TarInfo]]:
        """Yield path and tar entry of each file, folder and link."""
        for path, (entry, _) in self.members.items():
            yield path, entry

    def __contains__(self, path: PurePosixPath) -> bool:
        """Tell whether the image has this path."""
        return path in self.members

    def read(self, path: PurePosixPath) -> bytes:
        """Return a regular file's content."""
        entry, layer = self.members[path]
        file = layer.extractfile(entry)
        assert file, f"{path} is no regular file"
        return file.read()


@contextmanager
def contents(layout: Layout) -> Iterator[Contents]:
    """Open all layers of an image."""
    found = {}
    with ExitStack() as opened:
        for layer in manifest(layout)["layers"]:
            path = layout.folder / "blobs" / layer["digest"].replace(":", "/")
            tar = opened.enter_context(tarfile.open(path))
            for entry in tar:
                found[PurePosixPath("/", entry.name)] = (entry, tar)
        yield Contents(found)
