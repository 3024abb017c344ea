"""Pack an OCI layout into one tar, the same bytes on each run."""

import argparse
import tarfile
from pathlib import Path


def write_archive(layout: Path, out: Path) -> None:
    """Write the files below ``layout`` to ``out``, links followed, sorted, owned by root."""

    def anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.mtime = 0
        member.uid = member.gid = 0
        member.uname = member.gname = ""
        member.mode = 0o755 if member.isdir() else 0o644
        return member

    with tarfile.open(out, "w", format=tarfile.USTAR_FORMAT, dereference=True) as archive:
        for path in sorted(layout.rglob("*")):
            name = path.relative_to(layout).as_posix()
            archive.add(path, name, recursive=False, filter=anonymous)


def main() -> None:
    """Read the command line and write the archive."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("layout", type=Path)
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    write_archive(arguments.layout, arguments.out)


if __name__ == "__main__":
    main()
