"""Resolve what goes into the images again, and write nix/locks/*.json.

nix/digests.json then has the digests of the resulting images.
"""

import argparse
import sys
from pathlib import Path

from dagnix import code_locations
from dagnix.checkout import Checkout
from dagnix.commands import one_of
from dagnix.faults import Faults
from dagnix.locks.program import alone
from dagnix.locks.solve import debian, dependencies, digests, golang, python
from dagnix.locks.solve import locations as location_lock
from dagnix.locks.solve.take import Take

LOCKS = ("debian", "python", "go", "digests")
PROJECTS_OWN = ("debian", "python")

EPILOG = """\
What people edit, and who solves it, with the host's own mirrors, indexes, proxies and credentials:

  debian   nix/debian.toml, [tool.dagnix] debian-packages in pipes/pyproject.toml     apt
           and of further code locations, also from the sources in config/apt/
  python   pyproject.toml, and the dependencies of the project in pipes/              pip
           and of further code locations, each into a lock of its own
  go       imports and go.mod in nix/tools/, src/ and tests/                          go
  digests  anything of which Dagnix's images are made                                 Nix

The digests are those of the images that Nix then builds (docs/decisions/0017-digests.md).

In a project of its own (docs/howto/new-project.md) only what is in pipes/ is the project's: the
other lists are Dagnix's.

What is locked stays as it is, and moves only where an edit or the mirrors leave no other way; so a
second lock changes nothing. --security moves what `./dagnix updates` names, and --upgrade all.
`./dagnix fetch --help` names the environment.
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what it takes."""
    parser.epilog = EPILOG
    parser.add_argument(
        "locks",
        nargs="*",
        type=one_of(LOCKS),
        metavar="|".join(LOCKS),
        help="which lock (default: all)",
    )
    how = parser.add_mutually_exclusive_group()
    how.add_argument(
        "--security",
        dest="take",
        action="store_const",
        const=Take.SECURITY,
        default=Take.NOTHING,
        help="take the security updates of Debian packages and the patch releases of Python "
        "packages, and nothing else",
    )
    how.add_argument(
        "--upgrade",
        dest="take",
        action="store_const",
        const=Take.NEWEST,
        help="take the newest of everything",
    )
    parser.add_argument(
        "--python",
        type=Path,
        metavar="PROGRAM",
        help="a Python with pip and packaging to solve with "
        "(default: the one that `nix build .#cli` makes)",
    )


def _python(checkout: Checkout, given: argparse.Namespace, faults: Faults) -> list[str]:
    """Lock the images' packages, then those of each further code location."""
    take, interpreter = given.take, given.python
    changed = []
    with faults.of(code_locations.FIRST):
        dependencies.of(checkout, checkout.pipes)
    if code_locations.FIRST not in faults:
        changed += python.update(checkout, take, interpreter=interpreter)
    for name, folder in code_locations.others(checkout.root).items():
        solver = interpreter or python.built(checkout)
        with faults.of(name):
            lines, held_back = location_lock.update(
                checkout, name, folder, take, interpreter=solver
            )
            changed += [f"{name}: {line}" for line in (*lines, *held_back)]
    changed += debian.drop_pythons(checkout)
    return changed


def run(given: argparse.Namespace) -> None:
    """Run the command."""
    checkout = Checkout.here()
    faults = Faults(code_locations.unreadable(checkout.root))
    update = {
        "debian": lambda: debian.update(checkout, faults, given.take),
        "python": lambda: _python(checkout, given, faults),
        "go": lambda: golang.update(checkout, upgrade=given.take is Take.NEWEST),
        "digests": lambda: digests.update(checkout, faults),
    }
    chosen = given.locks or (LOCKS if checkout.is_dagnix else PROJECTS_OWN)
    changed = False
    with alone(checkout):
        for name in LOCKS:
            if name in chosen:
                print(f"resolving {name}", file=sys.stderr)
                lines = update[name]()
                print("\n".join(lines) if lines else f"nothing changed in {name}")
                changed = changed or bool(lines)
    if changed and checkout.is_dagnix and "digests" not in chosen:
        print("the images' digests may have moved: run ./dagnix lock digests", file=sys.stderr)
    faults.tell("All else is locked")
