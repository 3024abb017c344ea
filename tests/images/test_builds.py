"""What `nix build` promises: the same bytes again, and words when a file is not there."""

import hashlib
import json
import os
from pathlib import Path

import pytest
from support.checkout import commit
from support.command import run
from support.layers import contents, manifest
from support.locks import SYSTEM
from support.stack import ROOT
from support.wheels import wheel

from dagnix.images.layout import Layout
from dagnix.images.sources import LEFT_OUT
from dagnix.locks import store
from dagnix.testing.scratch import copy_files

SERVICES = ["webserver", "daemon", "pipes", "postgres", "gate"]


@pytest.mark.parametrize("service", SERVICES)
def test_a_second_build_of_an_image_gives_the_same_bytes(service: str) -> None:
    image = f"{ROOT}#{service}-image"
    run(["nix", "build", "--no-link", image])
    run(["nix", "build", "--no-link", "--rebuild", image])


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the tracked files."""
    copy = tmp_path / "checkout"
    copy_files(ROOT, copy, run(["git", "ls-files"], cwd=ROOT).stdout.splitlines())
    return copy


def test_an_edit_of_what_the_image_excludes_makes_no_new_one(checkout: Path) -> None:
    def image() -> str:
        return run(["nix", "eval", "--raw", f"path:{checkout}#pipes-image.drvPath"]).stdout

    before = image()
    (checkout / "pipes" / "tests" / "test_more.py").write_text("assert True\n")
    assert image() == before
    (checkout / "pipes" / "src" / "pipes" / "more.py").touch()
    assert image() != before


def test_secrets_environments_and_caches_make_no_new_image(checkout: Path) -> None:
    def image() -> str:
        return run(["nix", "eval", "--raw", f"path:{checkout}#pipes-image.drvPath"]).stdout

    before = image()
    code = checkout / "pipes" / "src" / "pipes"
    for name in LEFT_OUT:
        for folder in (checkout / "pipes", code):
            (folder / name).mkdir()
            (folder / name / "file.py").touch()
    (code / "own-name").mkdir()
    for name in ("pyvenv.cfg", "module.py"):
        (code / "own-name" / name).touch()
    assert image() == before
    (code / "own-name" / "pyvenv.cfg").unlink()
    assert image() != before


def test_a_tracked_file_is_code_whatever_its_name(checkout: Path) -> None:
    commit(checkout, "Code")
    # From now on it is dirty, as an image's label says.
    (checkout / "README.md").write_text("")

    def image() -> str:
        return run(["nix", "eval", "--raw", ".#pipes-image.drvPath"], cwd=checkout).stdout

    before = image()
    (checkout / "pipes" / ".env").write_text("KEY=1\n")
    assert image() == before
    run(["git", "-C", checkout, "add", "--force", "pipes/.env"])
    assert image() != before


def test_an_edit_makes_one_of_the_two_layers_of_the_code_new(checkout: Path) -> None:
    def layers() -> list[str]:
        image = f"path:{checkout}#pipes-oci"
        run(["nix", "build", "--out-link", checkout.parent / "image", image])
        return [layer["digest"] for layer in manifest(Layout(checkout.parent / "image"))["layers"]]

    before = layers()
    with (checkout / "pipes" / "src" / "pipes" / "weather.py").open("a") as code:
        code.write("# Another line.\n")
    after = layers()
    assert len(after) == len(before)
    assert len(set(after) - set(before)) == 1


def test_a_build_before_the_fetch_names_the_file_and_the_command(checkout: Path) -> None:
    # The lock asks for a wheel that no store can have.
    path = checkout / "nix/locks/python.json"
    lock = json.loads(path.read_text())
    wheel = lock["packages"]["x86_64-linux"]["dagster"]
    wheel["sha256"] = "0" * len(wheel["sha256"])
    path.write_text(json.dumps(lock))

    built = run(["nix", "build", "--no-link", f"path:{checkout}#pipes-image"], check=False)
    assert built.returncode != 0
    assert wheel["file"] in built.stderr
    assert "run ./dagnix fetch" in built.stderr


def test_an_image_may_have_any_number_of_packages(checkout: Path) -> None:
    """A directory of many entries is larger than the same one in an empty venv."""
    names = ["dagster", *(f"package_with_a_long_name_{number}" for number in range(120))]
    files = [wheel(checkout.parent, {f"{name}/__init__.py": b""}, name) for name in names]
    store.add_files(files)
    packages = {
        name.replace("_", "-"): {
            "file": file.name,
            "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
            "version": "1.0",
        }
        for name, file in zip(names, files, strict=True)
    }
    lock = {
        "folder": "many",
        "python": "3.13",
        "groups": {SYSTEM: {"many": sorted(packages)}},
        "packages": {SYSTEM: packages},
    }
    (checkout / "nix/locks/locations").mkdir()
    (checkout / "nix/locks/locations/many.json").write_text(json.dumps(lock))
    (checkout / "many").mkdir()
    (checkout / "many/pyproject.toml").touch()

    link = checkout.parent / "image"
    run(["nix", "build", "--out-link", link, f"path:{checkout}#many-oci"])
    with contents(Layout(link)) as image:
        found = {path.parts[-2] for path, _ in image if path.name == "METADATA"}
    own = {name for name in found if name.startswith("dagster_dagnix-")}
    assert found - own == {f"{name}-1.0.dist-info" for name in names}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a build another /etc to look at")
def test_a_build_without_a_sandbox_neither_looks_at_the_host_nor_writes_to_it(
    tmp_path: Path,
) -> None:
    here = Path(__file__).parent
    words = ["nix-build", here / "lowest_layers.nix", "--option", "sandbox", "false"]
    words += ["--argstr", "root", ROOT, "--argstr", "salt", "without-a-sandbox"]
    words += ["--out-link", tmp_path / "list"]
    run(["unshare", "--mount", "sh", "-eu", here / "with_decoys.sh", *words])
    built = [
        json.loads((Path(path) / "layer.json").read_text())[0]["digest"]
        for path in (tmp_path / "list").read_text().split()
    ]

    def layers(name: str) -> list[str]:
        run(["nix", "build", "--out-link", tmp_path / name, f"{ROOT}#{name}-oci"])
        return [layer["digest"] for layer in manifest(Layout(tmp_path / name))["layers"]]

    assert built == [*layers("webserver")[:2], *layers("postgres")[:1], *layers("pipes")[-2:]]
