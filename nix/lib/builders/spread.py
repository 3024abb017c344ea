"""Spread a code location's files over folders, one for each layer, and compile them there.

A file's folder depends on its path alone: an edit changes one of them, in which the module lies
beside its .pyc file, and the other layers stay the same bytes.
"""

import argparse
import compileall
import sys
from pathlib import Path
from py_compile import PycInvalidationMode
from zlib import crc32

MANY = 200  # files; starting a pool of processes takes as long as compiling half as many


def spread(source: Path, parts: list[Path]) -> None:
    """Move all that is in ``source`` into ``parts``, under the same relative paths."""
    for part in parts:
        part.mkdir(parents=True)
    for path in sorted(source.rglob("*")):
        relative = path.relative_to(source)
        if path.is_dir() and not path.is_symlink():
            (parts[0] / relative).mkdir()  # the empty ones too
        else:
            target = parts[crc32(str(relative).encode()) % len(parts)] / relative
            target.parent.mkdir(parents=True, exist_ok=True)
            path.rename(target)


def compile_all(parts: list[Path], at: str) -> bool:
    """Compile the modules in ``parts`` as if they lay ``at`` that path; tell whether all do.

    Hashes that nobody checks make the .pyc files independent of file times. A link that leads out
    of its part is left alone: what it would lead to here is the host's.
    """
    modules = sum(1 for part in parts for _ in part.rglob("*.py"))
    results = [
        compileall.compile_dir(
            part,
            maxlevels=sys.getrecursionlimit(),
            stripdir=part,
            prependdir=at,
            limit_sl_dest=part,
            quiet=1,
            workers=1 if modules < MANY else 0,
            invalidation_mode=PycInvalidationMode.UNCHECKED_HASH,
        )
        for part in parts
    ]
    return all(results)


def main() -> None:
    """Read the command line, spread and compile."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path)
    parser.add_argument("at", help="where the image has it, absolute")
    parser.add_argument("parts", type=Path, nargs="+", metavar="part", help="folders to be made")
    arguments = parser.parse_args()
    folders = [part / arguments.at.removeprefix("/") for part in arguments.parts]
    spread(arguments.source, folders)
    if not compile_all(folders, arguments.at):
        sys.exit(1)


if __name__ == "__main__":
    main()
