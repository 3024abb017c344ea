"""Packages of a project's own apt source, served on loopback: in an image, and for a build only."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest
from support import checkout
from support.command import run
from support.fakes import Archive, Key, Server
from support.index import BUILT_WITH_SETUPTOOLS, add_to_lock, serving
from support.layers import contents

from dagnix.images.layout import Layout

DRIVER = PurePosixPath("/usr/bin/driver")
HEADER = PurePosixPath("/usr/include/driver.h")
MODULE = PurePosixPath("/opt/dagster/venv/lib/python3.13/site-packages/tiny.py")
ASKED = "[tool.dagnix]\ndebian-packages = ['driver']\nbuild-packages = ['driver-dev']\n"
# A source archive that needs the header, a shell, and a program that is no compiler.
SETUP = """
import subprocess
from setuptools import setup
subprocess.run("sh -c 'gcc -E -P /usr/include/driver.h > tiny.py'", shell=True, check=True)
setup(name="tiny", version="1.0", py_modules=["tiny"])
"""


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[tuple[Key, str]]:
    """A signed archive with the package `driver`: its key, and its address."""
    (tmp_path / "key").mkdir()
    key = Key.made_in(tmp_path / "key")
    made = Archive(tmp_path / "served", key, "Vendor", ("stable",))
    made.add("driver", "18.0", {"Depends": "libc6"})
    made.add("driver-dev", "18.0", files={"usr/include/driver.h": "ANSWER = 6 * 7\n"})
    made.publish()
    server = Server(made.folder)
    yield key, server.url
    server.stop()
    key.forget()


def test_what_the_code_needs_is_in_the_image_and_what_its_build_needs_is_not(
    archive: tuple[Key, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, url = archive
    # Where apt has a proxy, it is not for loopback.
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    config = tmp_path / "apt.conf"
    config.write_text('Acquire::http::Proxy::127.0.0.1 "DIRECT";\n')
    monkeypatch.setenv("APT_CONFIG", str(config))
    tree = tmp_path / "checkout"
    checkout.write(tree)
    with (tree / "pipes/pyproject.toml").open("a") as stream:
        stream.write(ASKED)
    (tree / "config/apt").mkdir()
    (tree / "config/apt/vendor.gpg").write_bytes(key.keyring.read_bytes())
    (tree / "config/apt/vendor.sources").write_text(
        f"Types: deb\nURIs: {url}\nSuites: stable\nComponents: main\nSigned-By: vendor.gpg\n"
    )
    run(["git", "-C", tree, "add", "--all"])
    said = run([tree / "dagnix", "lock", "debian"]).stdout
    assert "driver added, 18.0" in said
    assert "driver-dev added, 18.0" in said
    with serving(tmp_path / "index", {"setuptools"}) as (index, variables):
        index.add_source("tiny", "1.0", BUILT_WITH_SETUPTOOLS | {"setup.py": SETUP})
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        add_to_lock(tree, "tiny")
        run([tree / "dagnix", "fetch"])
    result = tmp_path / "result"
    run(["nix", "build", "--out-link", result, f"path:{tree}#pipes-oci"])
    with contents(Layout(result)) as files:
        assert files.read(DRIVER) == b"driver 18.0 amd64\n"
        assert files.read(MODULE) == b"ANSWER = 6 * 7\n"
        assert HEADER not in files
