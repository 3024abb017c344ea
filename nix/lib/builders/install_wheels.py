"""Install wheels into a virtual environment as it will be inside an image.

Runs inside a Nix build, with PyPA's `installer` on the path. The tree below ``--out`` is what
``pip install`` would leave below ``/``: packages, console scripts, metadata and compiled files,
the same bytes on each run. Without source maps, which only a browser's debugger would read: they
are half of Dagster's dashboard.
"""

import argparse
import compileall
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from py_compile import PycInvalidationMode
from typing import BinaryIO

from installer import install
from installer.destinations import SchemeDictionaryDestination
from installer.records import RecordEntry
from installer.sources import WheelContentElement, WheelFile
from installer.utils import Scheme

SOURCE_MAPS = (".js.map", ".css.map")


class Wheel(WheelFile):
    """What is installed of a wheel. Its RECORD becomes a list of just that."""

    def get_contents(self) -> Iterator[WheelContentElement]:
        """Yield each file, as ``installer`` takes it."""
        for element in super().get_contents():
            (name, _, _), _, _ = element
            if not name.endswith(SOURCE_MAPS):
                yield element


class Venv(SchemeDictionaryDestination):
    """A virtual environment at ``venv``, written below ``out``.

    Where two wheels bring a file of one path, the later one's is there, as with pip; both RECORD
    files name it. Files that differ are named on stderr.
    """

    def __init__(self, venv: Path, out: Path) -> None:
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        self.site_packages = venv / "lib" / version / "site-packages"
        schemes = {
            "purelib": self.site_packages,
            "platlib": self.site_packages,
            "headers": venv / "include" / "site" / version,
            "scripts": venv / "bin",
            "data": venv,
        }
        super().__init__(
            {name: str(path) for name, path in schemes.items()},
            interpreter=str(venv / "bin" / "python"),
            script_kind="posix",
            destdir=str(out),
            overwrite_existing=True,
        )
        self._wheel = ""
        self._files: dict[str, tuple[str, RecordEntry]] = {}  # by path: the wheel, what is there
        self._records: list[tuple[Scheme, str, list[tuple[Scheme, RecordEntry]]]] = []

    def install(self, wheels: list[Path]) -> None:
        """Install wheels, in this order."""
        for wheel in wheels:
            self._wheel = wheel.name
            with Wheel.open(wheel) as source:
                install(source, self, additional_metadata={"INSTALLER": b"dagnix\n"})
        for scheme, path, records in self._records:
            held = [(each, self._held(each, entry)) for each, entry in records]
            super().finalize_installation(scheme, path, held)

    def write_to_fs(
        self, scheme: Scheme, path: str, stream: BinaryIO, is_executable: bool
    ) -> RecordEntry:
        """Write a file; one that is there goes first, with its mode."""
        place = self._place(scheme, path)
        Path(f"{self.destdir}{place}").unlink(missing_ok=True)
        entry = super().write_to_fs(scheme, path, stream, is_executable)
        wheel, before = self._files.get(place, ("", entry))
        if before.hash_ != entry.hash_:
            print(
                f"{place}: two wheels bring different files; that of {self._wheel} replaces "
                f"that of {wheel}",
                file=sys.stderr,
            )
        self._files[place] = self._wheel, entry
        return entry

    def finalize_installation(
        self,
        scheme: Scheme,
        record_file_path: str,
        records: Iterable[tuple[Scheme, RecordEntry]],
    ) -> None:
        """Keep what RECORD says until all wheels are there."""
        self._records.append((scheme, record_file_path, list(records)))

    def _place(self, scheme: Scheme, path: str) -> str:
        return os.path.normpath(f"{self.scheme_dict[scheme]}/{path}")

    def _held(self, scheme: Scheme, entry: RecordEntry) -> RecordEntry:
        _, held = self._files.get(self._place(scheme, entry.path), ("", entry))
        return RecordEntry(entry.path, held.hash_, held.size)


def copy(tree: Path, out: Path) -> None:
    """Copy what is in ``tree`` to ``out``, links as links, into folders that can be written to."""
    shutil.copytree(tree, out, symlinks=True, dirs_exist_ok=True)
    for folder, _, _ in os.walk(out):
        Path(folder).chmod(0o755)


def install_wheels(wheels: list[Path], venv: Path, out: Path) -> None:
    """Install ``wheels`` below ``out`` for a virtual environment at ``venv``.

    Raises whatever ``installer`` raises for a wheel that is broken.
    """
    destination = Venv(venv, out)
    destination.install(wheels)
    compile_files(out / destination.site_packages.relative_to("/"), out)


def compile_files(folder: Path, root: Path) -> None:
    """Compile what is below ``folder``, with the paths it has when ``root`` is ``/``.

    Unchecked hashes make the files independent of times and spare Python a look at each source.
    Files that are not meant for this Python version (templates, say) are left as they are.
    """
    compileall.compile_dir(
        folder,
        quiet=2,
        workers=0,
        stripdir=str(root),
        prependdir="/",
        limit_sl_dest=root,
        invalidation_mode=PycInvalidationMode.UNCHECKED_HASH,
    )


def under_own_name(wheel: Path, folder: Path) -> Path:
    """Link a store path into ``folder`` without the store's hash: a wheel's name is metadata.

    The store path of a wheel that was built here is a folder that has it.
    """
    if wheel.is_dir():
        return next(wheel.iterdir())
    link = folder / wheel.name.split("-", maxsplit=1)[1]
    link.symlink_to(wheel)
    return link


def main(words: list[str] | None = None) -> None:
    """Read the command line and install."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--venv", type=Path, required=True, help="where the image has it")
    parser.add_argument("--out", type=Path, required=True, help="the tree's root")
    parser.add_argument(
        "--with", dest="trees", type=Path, action="append", default=[], help="a tree to copy first"
    )
    parser.add_argument("wheels", type=Path, nargs="*", help="store paths of wheels")
    arguments = parser.parse_args(words)
    for tree in arguments.trees:
        copy(tree, arguments.out)
    with tempfile.TemporaryDirectory() as folder:
        wheels = [under_own_name(wheel, Path(folder)) for wheel in arguments.wheels]
        install_wheels(wheels, arguments.venv, arguments.out)


if __name__ == "__main__":
    main()
