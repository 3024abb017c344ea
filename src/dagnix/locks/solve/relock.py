"""Other versions of the Debian packages whose locked files the mirrors no longer have."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from dagnix import UserError
from dagnix.checkout import Checkout
from dagnix.faults import Faults
from dagnix.locks import lockfile, store
from dagnix.locks.command import output_of
from dagnix.locks.inputs import LockedFile, debian_files, named
from dagnix.locks.solve import changes, debian, seeds
from dagnix.locks.solve.apt import Apt, Stanza, parse
from dagnix.process import CommandError


def relock(checkout: Checkout, absent: Iterable[LockedFile]) -> list[str]:
    """Lock the versions that the mirrors have now in place of those that are gone.

    Every other package stays at its version if the new ones can be had beside it.
    Return a line for each change. Raises UserError if the mirrors cannot be asked, or still name
    the very versions that they do not have.
    """
    files = list(absent)
    return [
        line
        for python in sorted({file.python for file in files})
        for line in _relock(checkout, python, [f for f in files if f.python == python])
    ]


def _relock(checkout: Checkout, python: str, absent: Sequence[LockedFile]) -> list[str]:
    lock = debian.lock_of(python)
    old = lockfile.read(checkout.locked(lock))
    # What a code location asks for beyond its lock is of no matter here.
    faults = Faults()
    lists = debian.read_lists(checkout, faults, python)
    apts = debian.open_apt(checkout, lists.suite)
    lost = {(file.package, file.version) for file in absent}
    new = debian.solve(apts, lists, old, _locked(apts, old, lost), faults)
    still = [
        file
        for file in absent
        if new["packages"][file.system].get(file.package, {}).get("sha256") == file.sha256
    ]
    if still:
        raise UserError(
            f"The Debian mirror lists {named(still)} but does not have the file: "
            "it is being updated, or incomplete; try again later or use another mirror."
        )
    if "seed" in old:
        new["seed"] = seeds.of(checkout, new, old)
    lockfile.write(checkout.lock(lock), new)
    reasons = {name: f"the mirror no longer has {version}" for name, version in lost}
    return [
        f"{line} ({reasons.get(line.split()[0], 'comes along')})"
        for line in changes.describe(old["packages"], new["packages"])
    ]


def _locked(
    apts: Mapping[str, Apt], old: Mapping[str, Any], lost: set[tuple[str, str]]
) -> debian.KnownStanza:
    """Return a `stanza_of` that knows a package from the indexes, or from its file in the store."""
    listed = debian.available(apts, old)
    files = {
        (system, file.package): file.store_path
        for system in apts
        for file in debian_files(old, system, with_compiler=True)
    }
    away = store.missing(files.values())

    def stanza_of(system: str, name: str, version: str) -> Stanza | None:
        if (name, version) in lost:
            return None
        path = files[system, name]
        return listed(system, name, version) or (None if path in away else _of_file(Path(path)))

    return stanza_of


def _of_file(deb: Path) -> Stanza | None:
    try:
        return parse(output_of(["dpkg-deb", "--field", deb]))[0]
    except CommandError:
        return None  # compressed in a way that the host's dpkg does not know: it moves as well
