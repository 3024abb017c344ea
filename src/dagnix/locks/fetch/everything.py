"""All that the builds need, into the store, and protected there."""

import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from dagnix import UserError
from dagnix.fetch import bring, golang, gone, inputs, seed, store
from dagnix.locations.faults import Faults
from dagnix.lock import lockfile
from dagnix.lock.checkout import Checkout
from dagnix.lock.systems import System, host_system

TRIES = 3  # a mirror may move on while it is asked


def fetch(
    checkout: Checkout, systems: Sequence[System], faults: Faults, *, locked: bool
) -> inputs.Inputs:
    """Bring all locked inputs of the systems into the store, for as long as they are locked.

    Return them, without those of code locations for which that is not possible: that is a fault of
    theirs. Debian files that no mirror has any more are locked anew, unless `locked`.
    Raises UserError for whatever else cannot be brought.
    """
    wanted = inputs.read(checkout, systems, faults)
    if store.missing(wanted.store_paths):
        wanted = files(checkout, systems, faults, locked=locked)
        away = store.missing(vendor.store_path for vendor in wanted.vendors)
        for vendor in wanted.vendors:
            if vendor.store_path in away:
                print(f"fetching the Go modules of {vendor.module}", file=sys.stderr)
                with tempfile.TemporaryDirectory() as scratch:
                    golang.bring(checkout, vendor, Path(scratch))
    for system in systems:
        paths = inputs.read(checkout, [system], faults).store_paths
        store.protect(paths, checkout.roots / f"inputs-{system.name}")
    return wanted


def files(
    checkout: Checkout, systems: Sequence[System], faults: Faults, *, locked: bool
) -> inputs.Inputs:
    """Bring .deb files, wheels and seeds; return what the locks then name. As `fetch`."""
    for _ in range(TRIES):
        wanted = inputs.read(checkout, systems, faults)
        try:
            _bring(checkout, wanted, faults)
        except bring.GoneError as error:
            if locked:
                raise gone.refuse(error.files) from error
            names = inputs.named(error.files)
            print(f"the Debian mirror no longer has {names}: solving again", file=sys.stderr)
            for line in gone.solve_again(checkout, error.files):
                print(line)
            print("nix/locks/ holds the new versions: commit it.")
        else:
            _seeds(wanted.seeds)
            return inputs.read(checkout, systems, faults)
    raise UserError("The Debian mirror changes faster than it can be fetched: try again later.")


def _bring(checkout: Checkout, wanted: inputs.Inputs, faults: Faults) -> None:
    try:
        bring.files(checkout, wanted.files)
    except bring.GoneError:
        raise
    except UserError:
        if not any(wanted.added.values()):
            raise
        bring.files(checkout, wanted.common)
        for name, added in wanted.added.items():
            with faults.of(name):
                bring.files(checkout, added)


def toolchain(checkout: Checkout) -> None:
    """Bring what the locked Go is unpacked from and with, for this machine."""
    debian = lockfile.read(checkout.locked("debian"))
    system = host_system().name
    groups = debian["groups"][system]
    needed = {*groups["go"], *groups["seed"]}
    debs = [file for file in inputs.debian_files(debian, system) if file.package in needed]
    bring.files(checkout, debs)
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
