"""List the packages in a tree of files, by the records that scanners read.

These are /var/lib/dpkg/status.d of Debian packages, *.dist-info of Python packages, and the build
information in Go programs.
"""

import argparse
import json
import re
from collections.abc import Iterator
from email.parser import HeaderParser
from pathlib import Path

STATUS = "var/lib/dpkg/status.d"
SITE = "site-packages"  # a package below a folder in it is a copy, such as in setuptools/_vendor
OS_RELEASE = "usr/lib/os-release"
ELF = b"\x7fELF"
# What follows is described in Go's debug/buildinfo: after 32 bytes two strings with their lengths.
GO_MAGIC = b"\xff Go buildinf:"
GO_HEADER = 32
GO_SENTINEL = 16  # bytes around the list of modules

Package = dict[str, str]  # "type" is that of a package URL: deb, pypi, golang


def found_in(tree: Path) -> dict[str, object]:
    """Return the packages in the tree, sorted, and which distribution it is, "" if it is none."""
    found = [*debian(tree), *python(tree), *go(tree)]
    return {"distribution": distribution(tree), "packages": sorted(found, key=json.dumps)}


def distribution(tree: Path) -> str:
    """Return the distribution of a root file system, such as debian-13."""
    path = tree / OS_RELEASE
    fields = dict(
        re.findall(r'^(\w+)="?([^"\n]*)', path.read_text() if path.is_file() else "", re.MULTILINE)
    )
    return f"{fields['ID']}-{fields['VERSION_ID']}" if "VERSION_ID" in fields else ""


def debian(tree: Path) -> Iterator[Package]:
    """Yield the Debian packages."""
    for path in tree.glob(f"{STATUS}/*"):
        if path.suffix != ".md5sums":
            control = HeaderParser().parsestr(path.read_text())
            yield {
                "type": "deb",
                "name": control["Package"],
                "version": control["Version"],
                "architecture": control["Architecture"],
            }


def python(tree: Path) -> Iterator[Package]:
    """Yield the Python packages; those that another one brings have the folder that they are in."""
    for path in tree.rglob("*.dist-info/METADATA"):
        metadata = HeaderParser().parsestr(path.read_text(encoding="utf-8"))
        package = {
            "type": "pypi",
            "name": re.sub(r"[-_.]+", "-", metadata["Name"]).lower(),
            "version": metadata["Version"],
        }
        _, site, within = str(path.parents[1].relative_to(tree)).rpartition(SITE)
        yield package | ({"bundled": within.strip("/")} if site and within else {})


def go(tree: Path) -> Iterator[Package]:
    """Yield Go's library and the modules in Go programs."""
    modules = {
        module
        for path in tree.rglob("*")
        if path.is_file() and not path.is_symlink() and path.stat().st_mode & 0o100
        for module in modules_of(path.read_bytes())
    }
    for name, version in modules:
        yield {"type": "golang", "name": name, "version": version}


def modules_of(program: bytes) -> Iterator[tuple[str, str]]:
    """Yield name and version of the modules in a program; the program's own has no version."""
    start = program.find(GO_MAGIC) if program.startswith(ELF) else -1
    if start < 0:
        return
    version, rest = _string(program, start + GO_HEADER)
    listed, _ = _string(program, rest)
    yield "stdlib", version.decode().removeprefix("go")
    for line in listed[GO_SENTINEL:-GO_SENTINEL].decode().splitlines():
        kind, *words = line.split("\t")
        if kind in {"mod", "dep"}:
            yield words[0], "" if words[1] == "(devel)" else words[1]


def _string(data: bytes, start: int) -> tuple[bytes, int]:
    """Return the string that begins with its length, and where it ends."""
    length = shift = 0
    while True:  # seven bits in each byte, the lowest first
        byte = data[start]
        start += 1
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return data[start : start + length], start + length


def main() -> None:
    """Read the command line and write the list."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tree", type=Path)
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    text = json.dumps(found_in(arguments.tree), indent=1, sort_keys=True)
    arguments.out.write_text(text + "\n")


if __name__ == "__main__":
    main()
