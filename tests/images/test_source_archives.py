"""Packages that only exist as source archives, from an index on loopback."""

import hashlib
import json
from collections.abc import Collection, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from support import checkout
from support.command import run
from support.fakes import Index
from support.index import add_to_lock, serving
from support.layers import contents
from support.locks import LOCK, SYSTEM
from support.stack import ROOT

from dagnix.checkout import Checkout
from dagnix.images.layout import Layout
from dagnix.locks import lockfile
from dagnix.locks.solve.source_archives import Missing, SourceArchives
from dagnix.locks.systems import SYSTEMS

DEBIAN = Path("nix/locks/debian.json")
SITE_PACKAGES = PurePosixPath("/opt/dagster/venv/lib/python3.13/site-packages")
# In C and C++, whose libraries every image has; its build takes a shell for granted.
COMPILED = {
    "pyproject.toml": "[build-system]\nrequires = ['setuptools']\n"
    "build-backend = 'setuptools.build_meta'\n"
    "[project]\nname = 'tiny'\nversion = '1.0'\n",
    "setup.py": (
        "import os, subprocess\n"
        "subprocess.run('printf \"#define ONE 1\" > made.h', shell=True, check=True)\n"
        "os.environ['CC'] = 'cc'\n"  # as many builds call it
        "from setuptools import Extension, setup\n"
        "setup(ext_modules=[Extension('tiny.answer', ['answer.c', 'more.cpp'])])\n"
    ),
    "tiny/__init__.py": "from tiny.answer import ANSWER\n",
    "answer.c": """\
#include <Python.h>
#include <assert.h>
int more(int number);
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "answer", __FILE__, -1, NULL};
PyMODINIT_FUNC PyInit_answer(void) {
    PyObject *made = PyModule_Create(&module);
    assert(made);
    PyModule_AddIntConstant(made, "ANSWER", more(41));
    return made;
}
""",
    "more.cpp": """\
#include <string>
#include "made.h"
extern "C" int more(int number) { return std::stoi(std::to_string(number)) + ONE; }
""",
}
SETUP = "from setuptools import Extension, setup\n{}setup(name='tiny', version='1.0'{})\n"
DOWNLOADS = (
    "import urllib.request\nurllib.request.urlopen('http://files.example.invalid/data.zip')\n"
)
MOVING = "import pathlib, time\npathlib.Path('tiny.py').write_text(str(time.time_ns()))\n"
SOURCE = "import pathlib\npathlib.Path('tiny.c').write_text('#include <Python.h>\\n')\n"
WITH_OPENMP = (
    ", ext_modules=[Extension('tiny', ['tiny.c'], "
    "extra_link_args=['-Wl,--no-as-needed', '-lgomp'])]"
)
FOR_ANOTHER = ", options={'bdist_wheel': {'plat_name': 'linux_aarch64'}}"


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    """An index that has setuptools, as it is locked here."""
    with serving(tmp_path / "served", {"setuptools"}) as (made, variables):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        yield made


def test_a_compiled_package_is_in_the_image_and_what_compiled_it_is_not(
    index: Index, tmp_path: Path
) -> None:
    tree = tmp_path / "checkout"
    checkout.write(tree)
    archive = index.add_source("tiny", "1.0", COMPILED)
    for entry in add_to_lock(tree, "tiny").values():
        assert entry["file"] == archive.name
        assert entry["build"].keys() == {"setuptools"}
        assert entry["compiled"] is True
    run([tree / "dagnix", "fetch"])
    result = tmp_path / "result"
    run(["nix", "build", "--out-link", result, f"path:{tree}#pipes-oci"])
    with contents(Layout(result)) as held:
        assert (
            held.read(SITE_PACKAGES / "tiny/__init__.py") == COMPILED["tiny/__init__.py"].encode()
        )
        # What it was built with is in no image.
        assert SITE_PACKAGES / "setuptools/__init__.py" not in held
        assert PurePosixPath("/usr/include/python3.13/Python.h") not in held
        wheel = held.read(SITE_PACKAGES / "tiny-1.0.dist-info/WHEEL").decode()
        assert "\nTag: cp313-cp313-linux_x86_64\n" in wheel
    run(["nix", "build", "--out-link", result, f"path:{tree}#dev"])
    assert run([result / "bin/python", "-c", "import tiny; print(tiny.ANSWER)"]).stdout == "42\n"


def entry_of(archive: Path) -> dict[str, Any]:
    """Return what a lock has of an archive."""
    content = archive.read_bytes()
    return {
        "version": "1.0",
        "file": archive.name,
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "build": {"setuptools": lockfile.read(ROOT / LOCK)["packages"][SYSTEM]["setuptools"]},
    }


def of_lock(index: Index, folder: Path, setup: str, debian: Collection[str] = ()) -> str:
    """Build an archive as for a lock, and return the sentence that refuses it, if there is one."""
    archive = index.add_source("tiny", "1.0", {"setup.py": setup})
    entry = entry_of(archive)
    (folder / "wheels").mkdir()
    archives = SourceArchives(
        Checkout(folder, ROOT),
        folder / "wheels",
        lambda *_: {},
        {system: {"tiny": entry} for system in SYSTEMS},
        ("", Path()),
        debian,
    )
    missing = Missing("tiny", "1.0", archive.name, "3.13.5", "tiny 1.0", "0.9 has one")
    return archives.add(missing)


def test_one_may_link_to_what_a_debian_package_of_the_location_has(
    index: Index, tmp_path: Path
) -> None:
    setup = SETUP.format(SOURCE, WITH_OPENMP)
    assert not of_lock(index, tmp_path, setup, ["libgomp1"])
    (wheel,) = (tmp_path / "wheels").iterdir()
    # So the solver takes it for both machines.
    assert wheel.name == ("tiny-1.0-cp313-cp313-manylinux_2_17_x86_64.manylinux_2_17_aarch64.whl")

    # The list may have changed since: the image looks again.
    tree = tmp_path / "checkout"
    checkout.write(tree)
    lock = lockfile.read(tree / LOCK)
    (archive,) = index.folder.glob("tiny/*.tar.gz")
    lock["packages"][SYSTEM]["tiny"] = {**entry_of(archive), "compiled": True}
    lock["groups"][SYSTEM]["pipes"].append("tiny")
    (tree / LOCK).write_text(json.dumps(lock))
    build = ["nix", "build", "--out-link", tmp_path / "result", f"path:{tree}#pipes-oci"]
    refused = run(build, check=False)
    assert (
        "refused: it links to libgomp.so.1, which the image lacks: put Debian's libgomp1 into"
        in (refused.stderr)
    )
    debian = lockfile.read(tree / DEBIAN)
    debian["groups"][SYSTEM]["pipes"].append("libgomp1")
    (tree / DEBIAN).write_text(json.dumps(debian))
    run(build)
    with contents(Layout(tmp_path / "result")) as held:
        assert PurePosixPath("/usr/lib/x86_64-linux-gnu/libgomp.so.1") in held


@pytest.mark.parametrize(
    ("before", "options", "why"),
    [
        (DOWNLOADS, "", "it downloads while it is installed"),
        (
            SOURCE,
            WITH_OPENMP,
            (
                "it links to libgomp.so.1, which the image lacks: put Debian's libgomp1 into "
                "debian-packages in [tool.dagnix] of the location's pyproject.toml, and run "
                "./dagnix lock"
            ),
        ),
        (
            "",
            FOR_ANOTHER,
            "it makes tiny-1.0-py3-none-linux_aarch64.whl, which is not for this machine",
        ),
        (MOVING, ", py_modules=['tiny']", "two builds of it differ"),
    ],
    ids=["downloads", "not in the image", "for another machine", "differs"],
)
def test_an_archive_that_cannot_be_used_is_refused(
    index: Index, tmp_path: Path, before: str, options: str, why: str
) -> None:
    assert of_lock(index, tmp_path, SETUP.format(before, options)) == (
        f"tiny 1.0 has no wheel, and its source archive cannot be used: {why}; 0.9 has one"
    )
