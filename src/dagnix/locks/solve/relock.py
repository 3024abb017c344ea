"""Other versions of the Debian packages whose locked files the mirrors no longer have."""

from collections.abc import Iterable, Sequence

from dagnix import UserError
from dagnix.checkout import Checkout
from dagnix.faults import Faults
from dagnix.locks import lockfile
from dagnix.locks.inputs import LockedFile, named
from dagnix.locks.solve import changes, debian, known, seeds


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
    moving = {
        system: {name for name, entry in packages.items() if (name, entry["version"]) in lost}
        for system, packages in old["packages"].items()
    }
    new = debian.solve(apts, lists, old, known.all_but(apts, old, moving), faults)
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
