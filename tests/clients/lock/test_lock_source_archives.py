"""Packages without a wheel, where Nix is played by a program that hands out a wheel."""

import io
import json
import os
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from support.world import DAGSTER, HOST, SYSTEMS, World

from dagnix.checkout import Checkout
from dagnix.faults import Faults
from dagnix.locks import inputs
from dagnix.locks.solve import source_archives
from dagnix.locks.solve.source_archives import RefusedError, requirements
from dagnix.locks.systems import host_system

BUILDS = """#!/bin/sh
echo "$@" >> {log}
case "$* {pure}" in
  *'"compiled": true'* | *yes) ;;
  *) echo 'refused: it needs a compiler' >&2; exit 1 ;;
esac
[ -d {made} ] && echo {made} && exit
echo 'building'
echo 'refused: it downloads while it is installed' >&2
exit 1
"""
PROJECT = {"pyproject.toml": "[build-system]\nrequires = ['backend']\n"}


@pytest.fixture
def parser(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A library that needs `parser`, of which there is a source archive; what Nix makes of it."""
    made, programs = tmp_path / "made", tmp_path / "bin"
    programs.mkdir()
    (programs / "nix-build").write_text(
        BUILDS.format(made=made, log=tmp_path / "builds", pure="yes")
    )
    (programs / "nix-build").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    world.index.add("backend", "1.0")
    # pip words it otherwise where several versions have no way out.
    for version in ("2.0", "2.1"):
        world.index.add("library", version, ("parser>=2",))
    world.index.add_source("parser", "2.1", PROJECT)
    project = world.root / "pipes" / "pyproject.toml"
    project.write_text(project.read_text().replace('"library"', '"library>=2"'))
    return made


@pytest.fixture
def written_in_c(parser: Path, tmp_path: Path) -> Path:
    """What has to be done for the parser if it is written in C."""
    program = tmp_path / "bin" / "nix-build"
    program.write_text(BUILDS.format(made=parser, log=tmp_path / "builds", pure=""))
    return parser


def built(world: World, made: Path) -> None:
    """Have Nix make a wheel, which needs `tool`."""
    made.mkdir()
    wheel = world.index.add("parser", "2.1", ("tool",))
    wheel.rename(made / wheel.name)
    world.index.add_source("parser", "2.1", PROJECT)


def lock(world: World, *options: str) -> list[str]:
    return world.ok("lock", "python", f"--python={sys.executable}", *options).splitlines()


def test_its_archive_is_locked_with_what_it_is_built_with(
    world: World, parser: Path, tmp_path: Path
) -> None:
    built(world, parser)
    assert lock(world) == ["library 1.0 → 2.1", "parser added, 2.1"]
    written = world.lock_of("python")
    for system in SYSTEMS:
        # What it depends on is known from its wheel.
        assert written["groups"][system]["pipes"] == [
            *DAGSTER, "helper", "library", "parser", "tool",
        ]  # fmt: skip
        entry = written["packages"][system]["parser"]
        assert entry["file"] == "parser-2.1.tar.gz"
        assert {name: each["version"] for name, each in entry["build"].items()} == {
            "backend": "1.0"
        }
    assert "backend" not in written["packages"][HOST]
    first, second = (tmp_path / "builds").read_text().splitlines()
    assert second == f"{first} --check"

    # What it is built with stays, too.
    world.index.add("backend", "1.1")
    assert lock(world) == ["nothing changed in python"]
    assert world.lock_of("python") == written
    assert lock(world, "--upgrade") == ["parser 2.1 is built with other packages"]

    world.ok("fetch")
    for name in ("parser-2.1.tar.gz", "backend-1.1-py3-none-any.whl"):
        assert world.in_store(f"-{name}")


def test_one_that_needs_a_compiler_gets_debians_which_others_do_not_fetch(
    world: World, written_in_c: Path, tmp_path: Path
) -> None:
    world.debian.add("cc", "1.0", {"Depends": "libfoo"})
    world.debian.publish()
    lists = world.root / "nix" / "debian.toml"
    compiler = '[groups.compiler]\npackages = ["cc"]\n'
    lists.write_text(lists.read_text().replace("[groups.seed]", f"{compiler}[groups.seed]"))
    said = world.fails("lock", "python", f"--python={sys.executable}")
    assert "it needs a compiler, which `./dagnix lock debian` locks first" in said
    world.ok("lock", "debian")
    world.ok("fetch")
    cc = world.debian.deb("cc", "1.0").name
    assert not world.in_store(f"-{cc}")

    # What else its build needs comes with the compiler, and is no image's.
    world.debian.add("header-dev", "1.0")
    world.debian.publish()
    project = world.root / "pipes" / "pyproject.toml"
    project.write_text(project.read_text() + "[tool.dagnix]\nbuild-packages = ['header-dev']\n")
    built(world, written_in_c)
    assert lock(world) == ["library 1.0 → 2.1", "parser added, 2.1"]
    groups = world.lock_of("debian")["groups"]
    for system in SYSTEMS:
        assert groups[system]["pipes/build"] == ["cc", "header-dev", "libfoo"]
        assert groups[system]["pipes"] == []
    assert world.in_store(f"-{world.debian.deb('header-dev', '1.0').name}")
    assert "--argstr location pipes" in (tmp_path / "builds").read_text()
    for system in SYSTEMS:
        assert world.lock_of("python")["packages"][system]["parser"]["compiled"] is True
    assert world.in_store(f"-{cc}")
    # It is known the next time: no build without.
    (tmp_path / "builds").unlink()
    assert lock(world) == ["nothing changed in python"]
    assert (tmp_path / "builds").read_text().count('"compiled": true') == 2
    assert len((tmp_path / "builds").read_text().splitlines()) == 2
    wanted = inputs.read(Checkout(world.root, world.root), [host_system()], Faults())
    assert cc in {file.file for file in wanted.files}


def test_one_that_downloads_is_refused_with_the_version_that_would_do(
    world: World, parser: Path
) -> None:
    before = world.lock_path("python").read_bytes()
    world.index.add("parser", "1.9")
    assert not parser.exists()
    said = world.fails("lock", "python", f"--python={sys.executable}")
    assert said.endswith(
        "pipes/pyproject.toml: parser 2.1, which library needs, has no wheel, and its source "
        "archive cannot be used: it downloads while it is installed; the newest version with a "
        "wheel is 1.9."
    )
    world.index.remove(world.index.folder / "backend" / "backend-1.0-py3-none-any.whl")
    said = world.fails("lock", "python", f"--python={sys.executable}")
    assert (
        "it is built with backend, which cannot be had (No matching distribution found for backend"
        in said
    )
    assert world.lock_path("python").read_bytes() == before


def test_one_that_is_not_the_locked_one_or_gone_is_named(world: World, parser: Path) -> None:
    built(world, parser)
    lock(world)
    locked = world.lock_path("python")
    text = locked.read_text()
    sha256 = json.loads(text)["packages"][HOST]["parser"]["sha256"]
    locked.write_text(text.replace(sha256, "0" * 64))
    said = world.fails("fetch")
    assert said.startswith("parser-2.1.tar.gz: hash mismatch, twice")
    locked.write_text(text.replace("parser-2.1.tar.gz", "parser-2.1.post1.tar.gz"))
    said = world.fails("fetch")
    assert said.startswith("The Python index does not have parser-2.1.post1.tar.gz as it is locked")


def archive(folder: Path, name: str, files: dict[str, str]) -> Path:
    path = folder / name
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as opened:
            for member, text in files.items():
                opened.writestr(member, text)
    else:
        with tarfile.open(path, "w:gz") as opened:
            for member, text in files.items():
                info = tarfile.TarInfo(member)
                info.size = len(text)
                opened.addfile(info, io.BytesIO(text.encode()))
    return path


@pytest.mark.parametrize("name", ["a-1.tar.gz", "a-1.zip"])
def test_what_it_asks_for_is_read_from_its_own_pyproject(tmp_path: Path, name: str) -> None:
    other = {"a-1/tests/pyproject.toml": "[build-system]\nrequires = ['other']\n"}
    own = {"a-1/pyproject.toml": "[build-system]\nrequires = ['own>=1']\n"}
    assert requirements(archive(tmp_path, name, other | own)) == ["own>=1"]
    assert requirements(archive(tmp_path, name, other)) == list(source_archives.LEGACY)
    silent = {"a-1/pyproject.toml": "[tool.other]\n"}
    assert requirements(archive(tmp_path, name, silent)) == list(source_archives.LEGACY)
    broken = {"a-1/pyproject.toml": "[build-system"}
    with pytest.raises(RefusedError):
        requirements(archive(tmp_path, name, broken))
