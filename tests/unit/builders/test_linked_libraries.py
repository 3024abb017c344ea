"""Which libraries a wheel links to, read by a readelf that is played by a script."""

import argparse
import sys
import zipfile
from pathlib import Path

import linked_libraries
import pytest

TRIPLET = "x86_64-linux-gnu"
READELF = f"""#!{sys.executable}
import sys
name = open(sys.argv[-1]).read().partition("links to ")[2]
print(f" 0x0000000000000001 (NEEDED)             Shared library: [{{name}}]")
print(" 0x000000000000000e (SONAME)             Library soname: [libother.so.1]")
"""


def library(root: Path, package: str, name: str) -> None:
    """Put a library into a root file system, as Debian's packages have them."""
    folder = root / "usr/lib" / TRIPLET
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.0").touch()
    (folder / name).symlink_to(f"{name}.0")
    records = root / "var/lib/dpkg/status.d"
    records.mkdir(parents=True, exist_ok=True)
    (records / f"{package}.md5sums").write_text(f"0123  usr/lib/{TRIPLET}/{name}.0\n")


@pytest.fixture
def options(tmp_path: Path) -> argparse.Namespace:
    compiler, image = tmp_path / "compiler", tmp_path / "image"
    for package in ("libgomp1", "libxyz"):
        library(compiler, package, f"{package.rstrip('1')}.so.1")
    library(image, "libc6", "libc.so.6")
    (compiler / "usr/bin").mkdir()
    (compiler / "usr/bin/readelf").write_text(READELF)
    (compiler / "usr/bin/readelf").chmod(0o755)
    return argparse.Namespace(
        compiler=compiler, triplet=TRIPLET, roots=[image], packages=["libxyz"]
    )


def missing(folder: Path, options: argparse.Namespace, links: str) -> str:
    wheel = folder / "a.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("a/held.so", b"\x7fELF links to libc.so.6")
        archive.writestr("a/a.so", f"\x7fELF links to {links}".encode())
        archive.writestr("a/__init__.py", "links to libnone.so")
    return linked_libraries.missing(wheel, options)


@pytest.mark.parametrize("name", ["libc.so.6", "held.so", "libxyz.so.1"])
def test_what_the_image_or_the_wheel_has_is_fine(
    tmp_path: Path, options: argparse.Namespace, name: str
) -> None:
    assert not missing(tmp_path, options, name)


def test_the_debian_package_of_what_is_missing_is_named(
    tmp_path: Path, options: argparse.Namespace
) -> None:
    said = missing(tmp_path, options, "libgomp.so.1")
    assert said.startswith(
        "it links to libgomp.so.1, which the image lacks: put Debian's libgomp1 into "
    )
    said = missing(tmp_path, options, "libelse.so.1")
    assert said == "it links to libelse.so.1, which no Debian package has that it is built with"
