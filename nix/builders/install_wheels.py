"""Install wheels into a virtual environment as it will be inside an image.

Runs inside a Nix build, with PyPA's `installer` on the path. The tree below ``--out`` is what
``pip install`` would leave below ``/``: packages, console scripts, metadata and compiled files,
the same bytes on each run. Without source maps, which only a browser's debugger would read: they
are half of Dagster's dashboard.
"""

import argparse
import compileall
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from py_compile import PycInvalidationMode

from installer import install
from installer.destinations import SchemeDictionaryDestination
from installer.sources import WheelContentElement, WheelFile

SOURCE_MAPS = (".js.map", ".css.map")


class Wheel(WheelFile):
    """What is installed of a wheel. Its RECORD becomes a list of just that."""

    def get_contents(self) -> Iterator[WheelContentElement]:
        """Yield each file, as ``installer`` takes it."""
        for element in super().get_contents():
            (name, _, _), _, _ = element
            if not name.endswith(SOURCE_MAPS):
                yield element


def install_wheels(wheels: list[Path], venv: Path, out: Path) -> None:
    """Install ``wheels`` below ``out`` for a virtual environment at ``venv``.

    Raises whatever ``installer`` raises for a wheel that is broken or overwrites another's file.
    """
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    site_packages = venv / "lib" / version / "site-packages"
    schemes = {
        "purelib": site_packages,
        "platlib": site_packages,
        "headers": venv / "include" / "site" / version,
        "scripts": venv / "bin",
        "data": venv,
    }
    destination = SchemeDictionaryDestination(
        {name: str(path) for name, path in schemes.items()},
        interpreter=str(venv / "bin" / "python"),
        script_kind="posix",
        destdir=str(out),
    )
    for wheel in wheels:
        with Wheel.open(wheel) as source:
            install(source, destination, additional_metadata={"INSTALLER": b"dagnix\n"})
    compile_files(out / site_packages.relative_to("/"), out)


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
        invalidation_mode=PycInvalidationMode.UNCHECKED_HASH,
    )


def under_own_name(wheel: Path, folder: Path) -> Path:
    """Link a store path into ``folder`` without the store's hash: a wheel's name is metadata."""
    link = folder / wheel.name.split("-", maxsplit=1)[1]
    link.symlink_to(wheel)
    return link


def main() -> None:
    """Read the command line and install."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--venv", type=Path, required=True, help="where the image has it")
    parser.add_argument("--out", type=Path, required=True, help="the tree's root")
    parser.add_argument("wheels", type=Path, nargs="*", help="store paths of wheels")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        wheels = [under_own_name(wheel, Path(folder)) for wheel in arguments.wheels]
        install_wheels(wheels, arguments.venv, arguments.out)


if __name__ == "__main__":
    main()
