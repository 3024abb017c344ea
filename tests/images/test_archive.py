"""`nix build .#pipes-image`, `podman load -i result`."""

import tempfile
from pathlib import Path

from support.command import run
from support.podman import Podman
from support.stack import ROOT


def test_an_archive_keeps_its_name(podman: Podman) -> None:
    # Podman wants a short path, so this is not pytest's folder.
    with tempfile.TemporaryDirectory(prefix="dagnix-") as name:
        folder = Path(name)
        run(["nix", "build", f"{ROOT}#pipes-image", "--out-link", folder / "result"])
        # A storage of its own, in which no image has a name yet.
        storage = ("--root", folder / "storage", "--runroot", folder / "run")
        done = podman(*storage, "load", "--input", folder / "result")
        version = (ROOT / "VERSION").read_text().strip()
        assert f"Loaded image: localhost/dagnix/pipes:{version}\n" in done.stdout
        podman(*storage, "image", "rm", "--all", "--force")
