"""Which packages are in a tree of files."""

import json
import subprocess
import sys
from pathlib import Path

import packages
import pytest

STATUS = "Package: libc6\nVersion: 1:2.41-12\nArchitecture: amd64\nDescription: C\n library\n"
MODULES = (
    "path\tdagnix/gate\nmod\tdagnix/gate\t(devel)\t\n"
    "dep\texample.org/one\tv1.2.0\th1:abc=\nbuild\t-trimpath=true\n"
)


def go_program(modules: str) -> bytes:
    """Return what looks like a program that Go has built; its list of modules is a long one."""
    listed = b"s" * 16 + modules.encode() + b"e" * 16
    length = bytes([len(listed) & 0x7F | 0x80, len(listed) >> 7])
    header = packages.GO_MAGIC + b"\x08\x02" + bytes(packages.GO_HEADER - 16)
    return packages.ELF + bytes(60) + header + b"\x06go1.24" + length + listed + bytes(9)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    status = tmp_path / "tree" / packages.STATUS
    status.mkdir(parents=True)
    (status / "libc6").write_text(STATUS)
    (status / "libc6.md5sums").write_text("0123  usr/lib/libc.so.6\n")
    release = tmp_path / "tree" / packages.OS_RELEASE
    release.parent.mkdir(parents=True)
    release.write_text('NAME="Debian"\nID=debian\nVERSION_ID="13"\n')
    info = tmp_path / "tree" / "opt" / "Some_Package-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Name: Some.Package\nVersion: 1.0\n\nVersion: in the text\n")
    copy = tmp_path / "tree/opt/site-packages/setuptools/_vendor/tomli-2.0.dist-info"
    copy.mkdir(parents=True)
    (copy / "METADATA").write_text("Name: tomli\nVersion: 2.0\n")
    installed = tmp_path / "tree/opt/site-packages/tomli-2.3.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Name: tomli\nVersion: 2.3\n")
    program = tmp_path / "tree" / "bin" / "gate"
    program.parent.mkdir()
    program.write_bytes(go_program(MODULES))
    program.chmod(0o555)
    (program.parent / "link").symlink_to("gate")
    (program.parent / "script").write_text("#!/bin/sh\n")
    (program.parent / "script").chmod(0o555)
    return tmp_path / "tree"


def test_all_packages_are_found(tree: Path, tmp_path: Path) -> None:
    out = tmp_path / "packages.json"
    subprocess.run([sys.executable, packages.__file__, tree, out], check=True)
    told = json.loads(out.read_text())
    assert told["distribution"] == "debian-13"
    assert [tuple(each.values()) for each in told["packages"]] == [
        ("amd64", "libc6", "deb", "1:2.41-12"),
        ("dagnix/gate", "golang", ""),
        ("example.org/one", "golang", "v1.2.0"),
        ("stdlib", "golang", "1.24"),
        ("some-package", "pypi", "1.0"),
        ("setuptools/_vendor", "tomli", "pypi", "2.0"),
        ("tomli", "pypi", "2.3"),
    ]


def test_what_is_no_root_file_system_is_no_distribution(tmp_path: Path) -> None:
    assert packages.found_in(tmp_path) == {"distribution": "", "packages": []}


def test_a_program_that_names_the_mark_is_none_of_gos() -> None:
    assert list(packages.modules_of(b"#!/bin/sh\n" + packages.GO_MAGIC)) == []
