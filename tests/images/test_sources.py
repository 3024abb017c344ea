"""A package of a project's own apt source, served on loopback, in the image of its code."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest
from support import checkout
from support.command import run
from support.fakes import Archive, Key, Server
from support.layers import contents

from dagnix.images.layout import Layout

DRIVER = PurePosixPath("/usr/bin/driver")
ASKED = "[tool.dagnix]\ndebian-packages = ['driver']\n"


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[tuple[Key, str]]:
    """A signed archive with the package `driver`: its key, and its address."""
    (tmp_path / "key").mkdir()
    key = Key.made_in(tmp_path / "key")
    made = Archive(tmp_path / "served", key, "Vendor", ("stable",))
    made.add("driver", "18.0", {"Depends": "libc6"})
    made.publish()
    server = Server(made.folder)
    yield key, server.url
    server.stop()
    key.forget()


def test_a_package_of_another_apt_source_is_in_the_image(
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
    assert "driver added, 18.0" in run([tree / "dagnix", "lock", "debian"]).stdout
    run([tree / "dagnix", "fetch"])
    result = tmp_path / "result"
    run(["nix", "build", "--out-link", result, f"path:{tree}#pipes-oci"])
    with contents(Layout(result)) as files:
        assert files.read(DRIVER) == b"driver 18.0 amd64\n"
