"""How large the images are, on disk and for a registry."""

import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench import lists, release
from bench.figure import Figure, goal
from bench.measurements import Measurements
from bench.registry import Registry
from bench.variants.variant import Variant
from dagnix import console
from dagnix.locks import lockfile

GZIP_LEVEL = 6  # gzip's own, and what registries are pushed
BLOCK = 1 << 20
MB = 10**6
KIB = 1024
PUSHED_KIB = 32
COMPRESSED, UNPACKED, LAYERS = "compressed", "unpacked", "layers"
FIRST_PUSH, EDIT_PUSH = "first push", "push after an edit"
RELEASE_PUSH = "push after a Dagster release"


def measure(variant: Variant, runs: int, measured: Measurements) -> None:
    """Take the sizes once, and the push after an edit so many times."""
    variant.build()
    with variant.layouts() as layouts, ThreadPoolExecutor() as pool:
        layers = {digest: path for each in layouts for digest, path in each.layers.items()}
        with console.step(f"{variant.name}: compressing the layers"):
            measured.add(COMPRESSED, sum(pool.map(compressed, layers.values())) / MB)
        measured.add(UNPACKED, sum(path.stat().st_size for path in layers.values()) / MB)
        measured.add(LAYERS, len(layers))
    with (
        Registry(variant.project) as registry,
        console.step(f"{variant.name}: pushing after edits"),
    ):
        measured.add(FIRST_PUSH, registry.push() / MB)
        for _ in range(runs):
            variant.edit_code()
            variant.build()
            measured.add(EDIT_PUSH, registry.push() / KIB)
    with (
        Registry(variant.project) as registry,
        console.step(f"{variant.name}: pushing after a release"),
    ):
        root = variant.project.root
        lock = lists.lock(root)
        release.go_back(root)
        variant.build()
        registry.push()
        lockfile.write(lists.path(root), lock)
        variant.build()
        measured.add(RELEASE_PUSH, registry.push() / MB)


def figures(ours: Measurements, theirs: Measurements) -> list[Figure]:
    """Return the sizes of the three images together, each layer counted once."""
    how = f"each layer once; {_count(ours)} and {_count(theirs)} layers"
    return [
        _figure("images, compressed", COMPRESSED, ours, theirs, f"{how}, zlib {GZIP_LEVEL}"),
        _figure("images, unpacked", UNPACKED, ours, theirs, f"{how}, as tar"),
        Figure.of(
            FIRST_PUSH,
            "MB",
            ours.of(FIRST_PUSH),
            theirs.of(FIRST_PUSH),
            how="what a registry then holds of the three images",
        ),
        Figure.of(
            EDIT_PUSH,
            "KiB",
            ours.of(EDIT_PUSH),
            theirs.of(EDIT_PUSH),
            goal=PUSHED_KIB,
            how="by how much a registry grows; one line of code, the three images pushed",
        ),
        Figure.of(
            RELEASE_PUSH,
            "MB",
            ours.of(RELEASE_PUSH),
            theirs.of(RELEASE_PUSH),
            how="the same, from the Dagster before the one that is locked",
        ),
    ]


def _figure(name: str, key: str, ours: Measurements, theirs: Measurements, how: str) -> Figure:
    other = theirs.of(key)
    return Figure.of(name, "MB", ours.of(key), other, goal=goal(None, other, 0.5), how=how)


def _count(measured: Measurements) -> str:
    return str(int(measured.of(LAYERS)[0])) if measured.of(LAYERS) else "no"


def compressed(path: Path) -> int:
    """Return how many bytes a file has when it is compressed as for a registry."""
    compressor = zlib.compressobj(GZIP_LEVEL)
    with path.open("rb") as file:
        size = sum(len(compressor.compress(block)) for block in iter(lambda: file.read(BLOCK), b""))
    return size + len(compressor.flush())
