"""Disks that are too small: tmpfs of a few KiB, in a mount namespace of its own."""

import os
import subprocess
import sys
from pathlib import Path

from support.fakes import SECONDS
from support.world import World

from dagnix.locks import store

LARGE = 100_000  # bytes


def _fetch_with(place: Path, size: int) -> str:
    """Fetch with only `size` bytes at `place`; return the sentence it ends in."""
    place.mkdir(parents=True, exist_ok=True)
    mount = f'mount -t tmpfs -o size={size} none "$1" && shift && exec "$@"'
    done = subprocess.run(
        [
            "unshare", "--map-root-user", "--mount", "sh", "-c", mount, "sh",
            str(place), sys.executable, "-m", "dagnix", "fetch",
        ],
        check=False,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr.splitlines()[-1]


def _make_large(world: World) -> None:
    world.index.add("helper", "2.0", payload=os.urandom(LARGE))
    world.ok("lock", "python", "--upgrade", f"--python={sys.executable}")
    (world.root / ".dagnix" / "downloads").rename(world.root / "old-downloads")


def test_no_space_for_the_downloads(world: World) -> None:
    _make_large(world)
    place = world.root / ".dagnix" / "downloads"
    sentence = _fetch_with(place, LARGE // 2)
    assert sentence.startswith(f"dagnix: There is no space left on the disk of {place}: ")


def test_no_space_while_pip_downloads(world: World) -> None:
    _make_large(world)
    place = world.root / ".dagnix" / "downloads"
    # Enough for the file, and not for pip's second copy of it.
    sentence = _fetch_with(place, LARGE + LARGE // 2)
    assert sentence == (
        f"dagnix: There is no space left on the disk of {place}: free some, then run the same "
        "again; what has arrived is kept."
    )


def test_no_space_for_the_store(world: World) -> None:
    _make_large(world)
    sentence = _fetch_with(Path(store.STORE), LARGE // 2)
    assert f"no space left on the disk of {store.STORE}" in sentence
