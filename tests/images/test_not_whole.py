"""An image that podman has loaded by half, in a storage of the test's own."""

import json
import tarfile
from pathlib import Path

import pytest
from support.command import run
from support.podman import Podman
from support.stack import ROOT

from dagnix import project
from dagnix.host import podman as engine

STORAGE = """[storage]
driver = "vfs"
graphroot = "{folder}/root"
runroot = "{folder}/run"
"""


@pytest.mark.parametrize("lost", ["manifest", "=*"])
def test_the_others_are_listed_and_it_is_named(
    podman: Podman,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    lost: str,
) -> None:
    settings = tmp_path / "storage.conf"
    settings.write_text(STORAGE.format(folder=tmp_path))
    environment = {**podman.environment, "CONTAINERS_STORAGE_CONF": str(settings)}
    identifiers = {}
    for name in ("whole", "half"):
        file = tmp_path / name
        file.write_text(name)
        with tarfile.open(f"{file}.tar", "w") as archive:
            archive.add(file, name)
        named = [f"localhost/{name}:1"] if name == "whole" else []
        words = ["podman", "import", "--quiet", f"{file}.tar", *named]
        identifiers[name] = run(words, env=environment).stdout.strip().removeprefix("sha256:")
    folder = tmp_path / "root" / "vfs-images" / identifiers["half"]
    for path in [*folder.glob(lost)]:
        path.unlink()
    whole = run(["podman", "images", "--all"], env=environment, check=False)
    assert whole.returncode == 125  # what podman does, and why this is needed

    monkeypatch.setattr(engine, "settings", lambda: environment)
    here = project.Project(ROOT, {})
    assert [each["Id"] for each in engine.images(here)] == [identifiers["whole"]]
    said = capsys.readouterr().err
    assert f"podman image rm --force {identifiers['half']}" in said
    cure = ["podman", "image", "rm", "--force", identifiers["half"]]
    run(cure, env=environment)
    assert json.loads(run(["podman", "images", "-a", "--format=json"], env=environment).stdout)
