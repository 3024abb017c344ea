"""The bytes by which one image differs from the one before it."""

import json
import tarfile
from dataclasses import dataclass
from pathlib import Path

from bench.sizes import compressed
from dagnix.images.layout import Layout


@dataclass(frozen=True)
class News:
    """What an image has that another one lacks; sizes in bytes."""

    layers: int
    files: int  # in the layers
    content: int  # of these files
    documents: int  # the config and the manifest
    pushed: int  # layers compressed as for a registry, and the documents

    @property
    def stored(self) -> int:
        """What podman's storage has to take in."""
        return self.content + self.documents


def news(before: Layout, after: Layout) -> News:
    """Return what `after` has that `before` lacks."""
    new = [path for digest, path in after.layers.items() if digest not in before.layers]
    sizes = [size for path in new for size in _file_sizes(path)]
    manifest = after.blob(after.manifest["digest"])
    config = after.blob(json.loads(manifest.read_text())["config"]["digest"])
    documents = manifest.stat().st_size + config.stat().st_size
    pushed = sum(compressed(path) for path in new) + documents
    return News(len(new), len(sizes), sum(sizes), documents, pushed)


def _file_sizes(layer: Path) -> list[int]:
    with tarfile.open(layer) as tar:
        return [member.size for member in tar if member.isfile()]
