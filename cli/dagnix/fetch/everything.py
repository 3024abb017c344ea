"""All that the builds need, into the store, and protected there."""

import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from dagnix import UserError
from dagnix.fetch import bring, golang, gone, inputs, seed, store
from dagnix.lock import lockfile
from dagnix.lock.checkout import Checkout
from dagnix.lock.systems import System, host_system

TRIES = 3  # a mirror may move on while it is asked


def fetch(checkout: Checkout, systems: Sequence[System], *, locked: bool) -> inputs.Inputs:
    """Bring all locked inputs of the systems into the store, for as long as they are locked.

    Debian files that no mirror has any more are locked anew, unless `locked`.
    Raises UserError for whatever cannot be brought.
    """
    wanted = inputs.read(checkout, systems)
    if store.missing(wanted.store_paths):
        wanted = files(checkout, systems, locked=locked)
        away = store.missing(vendor.store_path for vendor in wanted.vendors)
        for vendor in wanted.vendors:
            if vendor.store_path in away:
                print(f"fetching the Go modules of {vendor.module}", file=sys.stderr)
                with tempfile.TemporaryDirectory() as scratch:
                    golang.bring(checkout, vendor, Path(scratch))
    for system in systems:
        paths = inputs.read(checkout, [system]).store_paths
        store.protect(paths, checkout.roots / f"inputs-{system.name}")
    return wanted


def files(checkout: Checkout, systems: Sequence[System], *, locked: bool) -> inputs.Inputs:
    """Bring .deb files, wheels and seeds; return what the locks then name."""
    for _ in range(TRIES):
        wanted = inputs.read(checkout, systems)
        try:
            snapshot = lockfile.read(checkout.locked("debian"))["snapshot"]
            bring.files(checkout, wanted.files, snapshot)
        except bring.GoneError as error:
            if locked:
                raise gone.refuse(error.files) from error
            names = inputs.named(error.files)
            print(f"the Debian mirror no longer has {names}: solving again", file=sys.stderr)
            for line in gone.solve_again(checkout, error.files):
                print(line)
            print("nix/locks/debian.json holds the new versions: commit it.")
        else:
            _seeds(wanted.seeds)
            return wanted
    raise UserError("The Debian mirror changes faster than it can be fetched: try again later.")


def toolchain(checkout: Checkout) -> None:
    """Bring what the locked Go is unpacked from and with, for this machine."""
    debian = lockfile.read(checkout.locked("debian"))
    system = host_system().name
    groups = debian["groups"][system]
    needed = {*groups["go"], *groups["seed"]}
    debs = [file for file in inputs.debian_files(debian, system) if file.package in needed]
    bring.files(checkout, debs, debian["snapshot"])
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
