"""The Pythons in nix/debian.toml are those of the locked packages."""

import json
from pathlib import Path

import pytest

from dagnix.checkout import Checkout
from dagnix.locks.solve import pythons as lock_pythons

ROOT = Path(__file__).resolve().parents[4]
LOCK = json.loads((ROOT / "nix" / "locks" / "debian.json").read_text())


@pytest.mark.parametrize("system", LOCK["packages"])
def test_the_images_python_is_the_first(system: str) -> None:
    first = lock_pythons.read(Checkout(ROOT, ROOT))[0]
    packages = LOCK["packages"][system]
    assert packages[f"python{first.version}"]["version"].startswith(f"{first.full_version}-")
    assert packages["libc6"]["version"].startswith(f"2.{first.glibc}-")
