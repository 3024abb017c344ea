"""How large the images are."""

import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from dagnix import console, images
from dagnix.bench.figure import Figure
from dagnix.project import Project

DAGSTER = {"webserver", "daemon", "pipes"}
GZIP_LEVEL = 6  # gzip's own, and what registries are pushed
BLOCK = 1 << 20
MB = 10**6


def figures(project: Project) -> list[Figure]:
    """Return the size of the three Dagster images together, each layer counted once."""
    layouts = images.build(project)
    dagster = [layout for layout in layouts if layout.name in DAGSTER]
    layers = {digest: path for layout in dagster for digest, path in layout.layers.items()}
    with console.step("Compressing the layers"), ThreadPoolExecutor() as pool:
        gzipped = sum(pool.map(compressed, layers.values()))
    unpacked = sum(path.stat().st_size for path in layers.values())
    how = f"{len(layers)} layers of {len(dagster)} images, each once"
    return [
        Figure("images, compressed", gzipped / MB, "MB", 120, f"{how}, zlib {GZIP_LEVEL}"),
        Figure("images, unpacked", unpacked / MB, "MB", 350, f"{how}, as tar"),
    ]


def compressed(path: Path) -> int:
    """Return how many bytes a file has when it is compressed as for a registry."""
    compressor = zlib.compressobj(GZIP_LEVEL)
    with path.open("rb") as file:
        size = sum(len(compressor.compress(block)) for block in iter(lambda: file.read(BLOCK), b""))
    return size + len(compressor.flush())
