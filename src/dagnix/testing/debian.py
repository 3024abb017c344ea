"""Programs of Debian packages that are unpacked and not installed.

Debian starts what serves as a service when its package is installed, on all addresses.
"""

from pathlib import Path

from dagnix.process import run


def program(package: str, folder: Path) -> Path:
    """Download a package to an empty folder; return its program of the same name.

    Raises:
        UserError: apt does not have it.

    """
    failure = f"apt has no {package}"
    options = ["-oAPT::Sandbox::User=root"]
    run(["apt-get", *options, "download", package], failure, cwd=folder)
    (file,) = folder.glob(f"{package}_*.deb")
    run(["dpkg-deb", "--extract", file, folder / "unpacked"], failure)
    return folder / "unpacked" / "usr" / "bin" / package
