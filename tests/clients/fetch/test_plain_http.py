"""Hosts without apt: Debian's files come from the mirror that the environment names."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Self

import pytest
from support.fakes import SECONDS, Server
from support.world import World

from dagnix.locks.fetch import http


@pytest.fixture
def without_apt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for folder in os.environ["PATH"].split(":"):
        for program in Path(folder).glob("nix-*"):
            if not (programs / program.name).is_symlink():
                (programs / program.name).symlink_to(program)
    monkeypatch.setenv("PATH", str(programs))


@pytest.mark.usefixtures("without_apt")
def test_fetch_works_without_apt(world: World) -> None:
    world.ok("fetch")


@pytest.mark.usefixtures("without_apt")
def test_without_apt_a_mirror_must_be_named(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DAGNIX_DEBIAN_MIRROR")
    sentence = world.fails("fetch")
    assert sentence.startswith("There is no apt on this machine to say where")


@pytest.mark.usefixtures("without_apt")
def test_without_apt_a_gone_file_cannot_be_locked_anew(world: World) -> None:
    world.debian.drop("libfoo", "1.0+b1")
    assert world.fails("fetch").startswith("Locking Debian packages needs apt")


def test_download_goes_on_where_it_stopped(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("the beginning, ")

    class Answer:
        status = 206

        def __init__(self) -> None:
            self.parts = [b"the rest", b""]

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None: ...

        def read(self, _: int) -> bytes:
            return self.parts.pop(0)

    asked = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            http.urllib.request,
            "urlopen",
            lambda request, timeout: asked.append((request.headers, timeout)) or Answer(),
        )
        http.download("http://127.0.0.1/file", target)
    assert asked[0][0] == {"Range": "bytes=15-"}
    assert target.read_text() == "the beginning, the rest"


def test_failures_are_said_as_apt_says_them(tmp_path: Path) -> None:
    server = Server(tmp_path)
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "dagnix.locks.fetch.http",
            f"{server.url}/none",
            str(tmp_path / "target"),
        ],
        check=False,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        env={**os.environ, "PYTHONPATH": str(Path(http.__file__).parents[3])},
    )
    server.stop()
    assert done.returncode == 100
    assert done.stdout == f"E: Failed to fetch {server.url}/none  404  File not found\n"
