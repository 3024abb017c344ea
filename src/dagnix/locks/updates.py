"""What the last `./dagnix updates` found, for those who may not ask the network themselves.

The file may be deleted at any time: `./dagnix updates` writes it anew.
"""

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from dagnix.checkout import Checkout
from dagnix.locks import lockfile

DEBIAN, PYTHON = "debian", "python"  # of which packages updates are


@dataclass(frozen=True)
class Update:
    """A newer version of a package: the security update of a .deb, or the patch release of a wheel.

    `lock` is the file in nix/locks/, without `.json`, that has the version `locked`; `groups` are
    what the package is for in it, and `systems` the machines that the update is for.
    """

    package: str
    locked: str
    newest: str
    lock: str
    groups: tuple[str, ...]
    systems: tuple[str, ...]


@dataclass(frozen=True)
class Found:
    """Updates that were found; `at` is ISO 8601."""

    at: str
    updates: tuple[Update, ...]


def record(checkout: Checkout, of: str, updates: Sequence[Update]) -> Found:
    """Write down what was found just now of DEBIAN or PYTHON."""
    found = Found(dt.datetime.now(dt.UTC).isoformat(timespec="seconds"), tuple(updates))
    lockfile.write(_file(checkout), {**_read(checkout), of: asdict(found)})
    return found


def last(checkout: Checkout, of: str) -> Found | None:
    """Return what was found last, without what was locked since; None before the first time."""
    try:
        found = _read(checkout)[of]
        updates = [
            Update(**{**each, "groups": tuple(each["groups"]), "systems": tuple(each["systems"])})
            for each in found["updates"]
        ]
        at = str(found["at"])
    except (KeyError, TypeError):
        return None
    locks = {each.lock: lockfile.read(checkout.locked(each.lock)) for each in updates}
    return Found(at, tuple(each for each in updates if _is_locked(each, locks[each.lock])))


def _is_locked(update: Update, lock: dict) -> bool:
    """Tell whether a machine still has the version before the update."""
    packages = lock.get("packages", {})
    return any(
        packages.get(system, {}).get(update.package, {}).get("version") == update.locked
        for system in update.systems
    )


def _read(checkout: Checkout) -> dict:
    try:
        found = json.loads(_file(checkout).read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _file(checkout: Checkout) -> Path:
    return checkout.state / "updates.json"
