"""Programs of Debian packages that are unpacked and not installed.

Debian starts what serves as a service when its package is installed, on all addresses.
"""

import tempfile
from pathlib import Path

from dagnix.process import run


def program(package: str, folder: Path) -> Path:
    """Download a package to an empty folder; return its program of the same name.

    Raises:
        UserError: apt does not have it.

    """
    unpack(package, folder / "unpacked")
    return folder / "unpacked" / "usr" / "bin" / package


def unpack(package: str, folder: Path) -> None:
    """Download a package, and unpack it in a folder, which may hold others.

    Raises:
        UserError: apt does not have it.

    """
    failure = f"apt has no {package}"
    options = ["-oAPT::Sandbox::User=root"]
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        run(["apt-get", *options, "download", package], failure, cwd=Path(scratch))
        (file,) = Path(scratch).glob(f"{package}_*.deb")
        run(["dpkg-deb", "--extract", file, folder], failure)
