"""Go modules, downloaded by the locked Go itself."""

import shutil
import stat
import tarfile
from pathlib import Path

from dagnix import UserError
from dagnix.checkout import Checkout
from dagnix.locks import store
from dagnix.locks.command import last_error, output_of
from dagnix.locks.fetch import own
from dagnix.locks.inputs import Vendor
from dagnix.locks.nix import build
from dagnix.process import CommandError

# The rest of Go's settings (GOPROXY, GOPRIVATE, GOSUMDB, …) is the user's.
ENVIRONMENT = {"GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "local", "GOWORK": "off", "CGO_ENABLED": "0"}


class Go:
    """The locked Go, out of the store."""

    def __init__(self, checkout: Checkout) -> None:
        """Unpack it; the files it is made of must be in the store."""
        unpacked = build(checkout, "go")
        self._root = next(path.parent.parent for path in unpacked.glob("usr/lib/go-*/bin/go"))

    def __call__(self, directory: Path, *arguments: str) -> str:
        """Run a go command in a module's folder; raises CommandError if it fails."""
        environment = {**ENVIRONMENT, "GOROOT": str(self._root)}
        return output_of(
            [self._root / "bin" / "go", *arguments], environment=environment, directory=directory
        )


def download(checkout: Checkout, vendor: Vendor, scratch: Path) -> None:
    """Put a module's vendored modules into the store.

    Raises UserError if they cannot be had, or are not the locked ones.
    """
    directory = scratch / vendor.name
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    tar = scratch / archive_name(vendor)
    if own.download_one(tar.name, tar):
        unpack(tar, directory)
        if store.hash_directory(directory) == vendor.sha256:
            store.add_directory(directory)
            return
    make(Go(checkout), checkout.source / vendor.module, directory)
    if store.hash_directory(directory) != vendor.sha256:
        raise UserError(
            f"The Go modules that {vendor.module} needs are not those of nix/locks/go.json: "
            "after a change of its imports or its go.mod run ./dagnix lock go."
        )
    store.add_directory(directory)


def make(go: Go, module: Path, directory: Path) -> None:
    """Make `directory` hold the module's go.mod, go.sum, tools.go if it has one, and vendor/.

    Raises UserError if go cannot do it, or would have to change go.mod or go.sum.
    """
    scratch = directory.with_name(f"{directory.name}.sources")
    shutil.rmtree(scratch, ignore_errors=True)
    shutil.copytree(module, scratch, ignore=shutil.ignore_patterns("vendor", ".*"))
    for path in (scratch, *scratch.rglob("*")):
        path.chmod(path.stat().st_mode | stat.S_IWUSR)  # a project's Dagnix is in the store
    try:
        go(scratch, "mod", "vendor")
    except CommandError as error:
        raise UserError(
            f"go cannot fetch the modules of {module} ({last_error(error.output)}): "
            "check the network and `go env GOPROXY`."
        ) from error
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    for name in ("go.mod", "go.sum", "tools.go"):
        if (scratch / name).exists():
            shutil.copyfile(scratch / name, directory / name)
    for name in ("go.mod", "go.sum"):
        if (scratch / name).read_bytes() != (module / name).read_bytes():
            raise UserError(f"{module / name} is not up to date: run ./dagnix lock go.")
    shutil.move(scratch / "vendor", directory / "vendor")
    shutil.rmtree(scratch)


def archive_name(vendor: Vendor) -> str:
    """Return what the tar of a store directory is called in a folder of one's own."""
    return f"{vendor.name}-{vendor.sha256}.tar"


def pack(directory: Path, tar: Path) -> None:
    """Write the tar of a directory of plain files; the same files give the same bytes."""
    beside = tar.with_name(f".{tar.name}.new")
    with tarfile.open(beside, "w", format=tarfile.PAX_FORMAT) as archive:
        for path in sorted(path for path in directory.rglob("*") if path.is_file()):
            entry = tarfile.TarInfo(str(path.relative_to(directory)))
            entry.size = path.stat().st_size
            entry.mode = 0o644
            with path.open("rb") as stream:
                archive.addfile(entry, stream)
    beside.replace(tar)


def unpack(tar: Path, directory: Path) -> None:
    """Unpack what pack() wrote; entries that are no plain files below `directory` are left out."""
    inside = directory.resolve()
    with tarfile.open(tar) as archive:
        for entry in archive:
            target = (inside / entry.name).resolve()
            source = archive.extractfile(entry) if entry.isfile() else None
            if source is None or not target.is_relative_to(inside):
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read())
