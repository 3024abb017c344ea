import os
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that looks like a checkout, and an environment that names it."""
    root = tmp_path / "checkout"
    root.mkdir()
    (root / "flake.nix").touch()
    (root / "compose.yaml").write_text("services: {}\n")
    (root / "VERSION").write_text("1.2.3\n")
    ours = ("PORT", "SECRETS_DIR", "BACKUPS_DIR", "VERSION")
    for name in ("COMPOSE_PROJECT_NAME", *(f"DAGNIX_{each}" for each in ours)):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DAGNIX_ROOT", str(root))
    return root


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Path]:
    """Puts a program, written in sh, before all others in PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    def write(name: str, body: str) -> Path:
        path = folder / name
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)
        return path

    return write
