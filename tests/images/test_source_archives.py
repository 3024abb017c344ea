"""Packages that only exist as source archives, from an index on loopback."""

import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest
from support import checkout
from support.command import run
from support.fakes import Index, Server
from support.layers import contents
from support.locks import LOCK, SYSTEM
from support.stack import ROOT

from dagnix.fetch import inputs
from dagnix.images import Layout
from dagnix.lock import lockfile, python
from dagnix.lock.checkout import Checkout
from dagnix.lock.source_archives import Missing, SourceArchives
from dagnix.lock.systems import SYSTEMS

SITE_PACKAGES = PurePosixPath("/opt/dagster/venv/lib/python3.13/site-packages")
TINY = {
    "pyproject.toml": "[build-system]\nrequires = ['setuptools']\n"
    "build-backend = 'setuptools.build_meta'\n"
    "[project]\nname = 'tiny'\nversion = '1.0'\n",
    "tiny/__init__.py": "ANSWER = 42\n",
}
SETUP = "from setuptools import Extension, setup\n{}setup(name='tiny', version='1.0'{})\n"
DOWNLOADS = (
    "import urllib.request\nurllib.request.urlopen('http://files.example.invalid/data.zip')\n"
)
MOVING = "import pathlib, time\npathlib.Path('tiny.py').write_text(str(time.time_ns()))\n"
IN_C = ", ext_modules=[Extension('compiled', ['compiled.c'])]"
FOR_ONE = ", options={'bdist_wheel': {'plat_name': 'linux_x86_64'}}"


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    """An index that has setuptools, as it is locked here."""
    made = Index(tmp_path / "served" / "simple")
    lock = lockfile.read(ROOT / LOCK)
    for file in inputs.python_files(lock, SYSTEM):
        if file.package == "setuptools":
            made.take(file.package, Path(file.store_path))
    server = Server(tmp_path / "served")
    monkeypatch.setenv("PIP_INDEX_URL", f"{server.url}/simple")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    yield made
    server.stop()


def test_a_package_without_a_wheel_is_in_the_image(index: Index, tmp_path: Path) -> None:
    tree = tmp_path / "checkout"
    checkout.write(tree)
    archive = index.add_source("tiny", "1.0", TINY)
    lists = python.Lists({"pipes": ["tiny"]}, [], (tree / "pipes/pyproject.toml",), {})
    solved, _ = python.solved(Checkout(tree, tree), Path(sys.executable), lists, {})
    lock = lockfile.read(tree / LOCK)
    for system, packages in solved["packages"].items():
        assert packages["tiny"]["file"] == archive.name
        assert packages["tiny"]["build"].keys() == {"setuptools"}
        lock["packages"][system] |= packages
        lock["groups"][system]["pipes"].append("tiny")
    (tree / LOCK).write_text(json.dumps(lock))
    run([tree / "dagnix", "fetch"])
    result = tmp_path / "result"
    run(["nix", "build", "--out-link", result, f"path:{tree}#pipes-oci"])
    with contents(Layout(result)) as files:
        assert files.read(SITE_PACKAGES / "tiny/__init__.py") == TINY["tiny/__init__.py"].encode()
        # What it was built with is in no image.
        assert SITE_PACKAGES / "setuptools/__init__.py" not in files
    run(["nix", "build", "--out-link", result, f"path:{tree}#dev"])
    assert run([result / "bin/python", "-c", "import tiny; print(tiny.ANSWER)"]).stdout == "42\n"


@pytest.mark.parametrize(
    ("before", "options", "why"),
    [
        (DOWNLOADS, "", "it downloads while it is installed"),
        ("", IN_C, "it needs a compiler"),
        ("", FOR_ONE, "it makes tiny-1.0-py3-none-linux_x86_64.whl, which is for one machine only"),
        (MOVING, ", py_modules=['tiny']", "two builds of it differ"),
    ],
    ids=["downloads", "compiled", "for one machine", "differs"],
)
def test_an_archive_that_cannot_be_used_is_refused(
    index: Index, tmp_path: Path, before: str, options: str, why: str
) -> None:
    archive = index.add_source("tiny", "1.0", {"setup.py": SETUP.format(before, options)})
    content = archive.read_bytes()
    entry = {
        "version": "1.0",
        "file": archive.name,
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "build": {"setuptools": lockfile.read(ROOT / LOCK)["packages"][SYSTEM]["setuptools"]},
    }
    (tmp_path / "wheels").mkdir()
    archives = SourceArchives(
        Checkout(tmp_path, ROOT),
        tmp_path / "wheels",
        lambda *_: {},
        {system: {"tiny": entry} for system in SYSTEMS},
    )
    missing = Missing("tiny", "1.0", archive.name, "3.13.5", "tiny 1.0", "0.9 has one")
    assert archives.add(missing) == (
        f"tiny 1.0 has no wheel, and its source archive cannot be used: {why}; 0.9 has one"
    )
