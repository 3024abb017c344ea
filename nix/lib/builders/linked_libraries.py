"""Pass a compiled wheel on if an image has the shared libraries that it links to.

Runs inside a Nix build. ``OUT`` becomes a link to the folder ``WHEEL``, which holds the wheel and
nothing else. A library that is missing stands in a line that begins with ``REFUSED``, with the
Debian package that has it: ``./dagnix lock`` shows that line.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

REFUSED = "refused: "
NEEDED = re.compile(r"\(NEEDED\).*\[(.+)\]")
ELF = b"\x7fELF"


def links(wheel: Path, readelf: Path) -> set[str]:
    """Return the names of the libraries that a wheel links to and does not hold."""
    needed, held = set(), set()
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(wheel) as archive:
        for member in archive.infolist():
            content = archive.read(member)
            if not content.startswith(ELF):
                continue
            file = Path(folder, "file")
            file.write_bytes(content)
            command = [readelf, "--dynamic", "--wide", file]
            said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            needed |= set(NEEDED.findall(said))
            held.add(Path(member.filename).name)
    return needed - held


def folders(root: Path, triplet: str) -> Iterator[Path]:
    """Yield where the loader looks for libraries."""
    yield from (root / "usr/lib" / triplet, root / "usr/lib", root / "usr/lib64")


def package_of(library: str, root: Path, triplet: str) -> str:
    """Return the Debian package in a root file system that has a library; "" if none has."""
    for folder in folders(root, triplet):
        if (folder / library).exists():
            # Records name the file, not the link to it.
            name = (folder / library).resolve().name
            for record in sorted((root / "var/lib/dpkg/status.d").glob("*.md5sums")):
                if any(line.endswith(f"/{name}") for line in record.read_text().splitlines()):
                    return record.stem
    return ""


def missing(wheel: Path, options: argparse.Namespace) -> str:
    """Return why an image cannot have the wheel; "" if it can."""
    for library in sorted(links(wheel, options.compiler / "usr/bin/readelf")):
        places = [place for root in options.roots for place in folders(root, options.triplet)]
        if any((place / library).exists() for place in places):
            continue
        package = package_of(library, options.compiler, options.triplet)
        if not package:
            return f"it links to {library}, which no Debian package has that it is built with"
        if package not in options.packages:
            return (
                f"it links to {library}, which the image lacks: put Debian's {package} into "
                "debian-packages in [tool.dagnix] of the location's pyproject.toml, and run "
                "./dagnix lock"
            )
    return ""


def main() -> int:
    """Read the command line and look."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("wheel", type=Path, metavar="WHEEL")
    parser.add_argument("out", type=Path, metavar="OUT")
    parser.add_argument("--compiler", type=Path, required=True, help="where it was compiled")
    parser.add_argument("--triplet", required=True, help="Debian's name for the architecture")
    parser.add_argument("--root", dest="roots", type=Path, action="append", default=[])
    parser.add_argument("--package", dest="packages", action="append", default=[])
    options = parser.parse_args()
    if why := missing(next(options.wheel.iterdir()), options):
        print(f"{REFUSED}{why}")
        return 1
    options.out.symlink_to(options.wheel)
    return 0


if __name__ == "__main__":
    sys.exit(main())
