"""Packages that only exist as source archives, from an index on loopback."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest
from support import checkout
from support.command import run
from support.layers import contents
from support.locks import LOCK, SYSTEM
from support.stack import ROOT

from dagnix import UserError
from dagnix.fetch import inputs
from dagnix.images import Layout
from dagnix.lock import lockfile, python
from dagnix.lock.checkout import Checkout

sys.path.insert(0, str(ROOT / "tests/unit/fetch"))

from fakes import Index, Server

SITE_PACKAGES = PurePosixPath("/opt/dagster/venv/lib/python3.13/site-packages")
TINY = {
    "pyproject.toml": "[build-system]\nrequires = ['setuptools']\n"
    "build-backend = 'setuptools.build_meta'\n"
    "[project]\nname = 'tiny'\nversion = '1.0'\n",
    "tiny/__init__.py": "ANSWER = 42\n",
}
SETUP = "from setuptools import Extension, setup\n{}setup(name='{}', version='1.0'{})\n"
DOWNLOADS = (
    "import urllib.request\nurllib.request.urlopen('http://files.example.invalid/data.zip')\n"
)
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
    # What a project without a pyproject.toml is built with; setuptools has its own.
    made.add("wheel", "1.0")
    server = Server(tmp_path / "served")
    monkeypatch.setenv("PIP_INDEX_URL", f"{server.url}/simple")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    yield made
    server.stop()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A checkout."""
    folder = tmp_path / "checkout"
    checkout.write(folder)
    return folder


def solve(tree: Path, *requirements: str) -> dict[str, object]:
    """Lock requirements alone, as those of pipes."""
    lists = python.Lists({"pipes": requirements}, [], (tree / "pipes/pyproject.toml",), {})
    return python.solved(Checkout(tree, tree), Path(sys.executable), lists, {})[0]


def test_a_package_without_a_wheel_is_in_the_image(
    index: Index, tree: Path, tmp_path: Path
) -> None:
    archive = index.add_source("tiny", "1.0", TINY)
    solved = solve(tree, "tiny")
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
    said = run([result / "bin/python", "-c", "import tiny; print(tiny.ANSWER)"]).stdout
    assert said == "42\n"


@pytest.mark.parametrize(
    ("before", "options", "why"),
    [
        (DOWNLOADS, "", "it downloads while it is installed"),
        ("", IN_C, "it needs a compiler"),
        ("", FOR_ONE, "it makes tiny-1.0-py3-none-linux_x86_64.whl, which is for one machine only"),
    ],
    ids=["downloads", "compiled", "for one machine"],
)
def test_an_archive_that_cannot_be_used_is_named_with_the_version_that_would_do(
    index: Index, tree: Path, before: str, options: str, why: str
) -> None:
    index.add("tiny", "0.9")
    index.add_source("tiny", "1.0", {"setup.py": SETUP.format(before, "tiny", options)})
    with pytest.raises(UserError) as refused:
        solve(tree, "tiny>=1")
    assert str(refused.value).endswith(
        f"tiny 1.0 has no wheel, and its source archive cannot be used: {why}; "
        "the newest version with a wheel is 0.9."
    )


def test_two_builds_that_differ_are_refused(index: Index, tree: Path) -> None:
    moving = "import pathlib, time\npathlib.Path('tiny.py').write_text(str(time.time_ns()))\n"
    options = ", py_modules=['tiny']"
    index.add_source("tiny", "1.0", {"setup.py": SETUP.format(moving, "tiny", options)})
    with pytest.raises(UserError, match="two builds of it differ; no version has a wheel"):
        solve(tree, "tiny")
