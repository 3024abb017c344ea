"""All that the builds need, into the store, and protected there."""

import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from dagnix import UserError
from dagnix.checkout import Checkout
from dagnix.faults import Faults
from dagnix.locks import inputs, lockfile, store
from dagnix.locks.fetch import download, golang, seed
from dagnix.locks.systems import System, host_system

TRIES = 3  # a mirror may move on while it is asked

# Locks other versions in place of files that no mirror has, and returns a line for each change.
Relock = Callable[[Checkout, Iterable[inputs.LockedFile]], list[str]]


def fetch(
    checkout: Checkout, systems: Sequence[System], faults: Faults, *, relock: Relock | None
) -> inputs.Inputs:
    """Download all locked inputs of the systems into the store, and keep them there.

    Return them, without those of code locations for which that is not possible: that is a fault of
    theirs. `relock` is for Debian files that no mirror has any more; without it the locks stay.
    Raises UserError for whatever else cannot be downloaded.
    """
    desired = inputs.read(checkout, systems, faults)
    if store.missing(desired.store_paths):
        desired = files(checkout, systems, faults, relock=relock)
        _modules(checkout, desired.vendors)
    for system in systems:
        paths = inputs.read(checkout, [system], faults).store_paths
        store.protect(paths, checkout.roots / f"inputs-{system.name}")
    return desired


def for_tests(checkout: Checkout) -> tuple[inputs.Vendor, ...]:
    """Download the Go modules that only Dagnix's own tests compile, and keep them; return them.

    What Go itself is unpacked from must be in the store. Raises UserError as `fetch`.
    """
    desired = inputs.for_tests(checkout)
    _modules(checkout, desired)
    store.protect((each.store_path for each in desired), checkout.roots / "inputs-tests")
    return desired


def _modules(checkout: Checkout, desired: Sequence[inputs.Vendor]) -> None:
    away = store.missing(vendor.store_path for vendor in desired)
    for vendor in desired:
        if vendor.store_path in away:
            print(f"fetching the Go modules of {vendor.module}", file=sys.stderr)
            with tempfile.TemporaryDirectory() as scratch:
                golang.download(checkout, vendor, Path(scratch))


def files(
    checkout: Checkout, systems: Sequence[System], faults: Faults, *, relock: Relock | None
) -> inputs.Inputs:
    """Download .deb files, wheels and seeds; return what the locks then name. As `fetch`."""
    for _ in range(TRIES):
        desired = inputs.read(checkout, systems, faults)
        try:
            _download(checkout, desired, faults)
        except download.AbsentError as error:
            names = inputs.named(error.files)
            if relock is None:
                raise UserError(
                    f"The Debian mirror no longer has {names}, and --locked keeps to the lock: run "
                    "./dagnix fetch without it to lock the versions that the mirror has now."
                ) from error
            print(f"the Debian mirror no longer has {names}: solving again", file=sys.stderr)
            for line in relock(checkout, error.files):
                print(line)
            print("nix/locks/ holds the new versions: commit it.")
        else:
            _seeds(desired.seeds)
            return inputs.read(checkout, systems, faults)
    raise UserError("The Debian mirror changes faster than it can be fetched: try again later.")


def _download(checkout: Checkout, desired: inputs.Inputs, faults: Faults) -> None:
    try:
        download.files(checkout, desired.files)
    except download.AbsentError:
        raise
    except UserError:
        if not any(desired.added.values()):
            raise
        download.files(checkout, desired.common)
        for name, added in desired.added.items():
            with faults.of(name):
                download.files(checkout, added)


def toolchain(checkout: Checkout) -> None:
    """Download what the locked Go is unpacked from and with, for this machine."""
    debian = lockfile.read(checkout.locked("debian"))
    system = host_system().name
    groups = debian["groups"][system]
    needed = {*groups["go"], *groups["seed"]}
    debs = [file for file in inputs.debian_files(debian, system) if file.package in needed]
    download.files(checkout, debs)
    _seeds([inputs.seed_of(debian, system)])


def _seeds(seeds: Iterable[inputs.Seed]) -> None:
    entries = {entry.store_path: entry for entry in seeds}
    for path in store.missing(entries):
        with tempfile.TemporaryDirectory() as scratch:
            directory = Path(scratch) / entries[path].name
            seed.unpack(Path(entries[path].package.store_path), directory)
            if store.add_directory(directory) != path:
                raise UserError(
                    "nix/locks/debian.json names a seed that is not made of its busybox-static: "
                    "run ./dagnix lock debian."
                )
