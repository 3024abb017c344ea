"""Say which locked packages have a security update or a patch release.

These are the security updates of Debian packages, and the patch releases of Python packages: of
1.2.3 each newer 1.2.*. `./dagnix lock --security` locks them, `./dagnix upgrade` rolls them out.

The exit code is 0 if no update waits, 100 if some do, and 1 if that cannot be told.
"""

import argparse
import json
import sys
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from dagnix import code_locations, project
from dagnix.alerts import notices
from dagnix.checkout import Checkout
from dagnix.commands import one_of
from dagnix.faults import Faults
from dagnix.locks import updates
from dagnix.locks.program import alone
from dagnix.locks.solve.updates import of_debian, of_python
from dagnix.locks.updates import Found

WAITING = 100  # as of `dnf check-update`
TITLES = {
    updates.DEBIAN: "Security updates of Debian packages",
    updates.PYTHON: "Patch releases of Python packages",
}
EPILOG = """\
A security update is a version in Debian's security suite that is newer than the locked one. apt
checks the signatures of the indexes and that they are not too old. pip answers for Python packages,
and names what fits together. The mirrors, the index and the settings are those of `./dagnix lock`.
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what it takes."""
    parser.epilog = EPILOG
    parser.add_argument(
        "kinds",
        nargs="*",
        type=one_of(TITLES),
        metavar="|".join(TITLES),
        help="of which packages (default: of both)",
    )
    parser.add_argument(
        "--json",
        dest="as_json",
        action="store_true",
        help="print a JSON object: of each kind when it was asked for, and the updates",
    )
    parser.add_argument(
        "--python",
        type=Path,
        metavar="PROGRAM",
        help="a Python with pip and packaging to ask with "
        "(default: the one that `nix build .#cli` makes)",
    )


def run(given: argparse.Namespace) -> int:
    """Run the command."""
    checkout = Checkout.here()
    faults = Faults(code_locations.unreadable(checkout.root))
    ask = {
        updates.DEBIAN: lambda: of_debian(checkout, faults),
        updates.PYTHON: lambda: of_python(checkout, given.python, faults),
    }
    found = {}
    with alone(checkout):
        for kind, updates_of in ask.items():
            if not given.kinds or kind in given.kinds:
                print(f"asking for updates of {kind}", file=sys.stderr)
                found[kind] = updates.record(checkout, kind, updates_of())
    if updates.DEBIAN in found:
        packages = {each.package for each in found[updates.DEBIAN].updates}
        notices.of_updates(project.current(), packages)
    if given.as_json:
        print(json.dumps({kind: asdict(each) for kind, each in found.items()}, indent=1))
    else:
        print("\n".join(lines(found.items())))
    faults.tell("Updates of all else were looked for")
    return WAITING if any(each.updates for each in found.values()) else 0


def lines(found: Iterable[tuple[str, Found]]) -> list[str]:
    """Return what is printed."""
    said = []
    for kind, each in found:
        said.append(f"{TITLES[kind]}: {len(each.updates) or 'none'}")
        for update in each.updates:
            where = "" if update.lock == kind else f"{update.lock}: "
            said.append(
                f"  {where}{update.package} {update.locked} → {update.newest}"
                f" ({', '.join(update.groups)})"
            )
    return said
