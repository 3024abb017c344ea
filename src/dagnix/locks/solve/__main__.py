"""`./dagnix lock`."""

import argparse
import sys
from pathlib import Path

from dagnix import locations
from dagnix.locations.faults import Faults
from dagnix.lock import debian, dependencies, digests, golang, python
from dagnix.lock import locations as location_lock
from dagnix.lock.checkout import Checkout
from dagnix.lock.program import alone, end_well

LOCKS = ("debian", "python", "go", "digests")
PROJECTS_OWN = ("debian", "python")

EPILOG = """\
What people edit, and who solves it, with the host's own mirrors, indexes, proxies and credentials:

  debian   nix/debian.toml, [tool.dagnix] debian-packages in pipes/pyproject.toml     apt
           and of further code locations, also from the sources in config/apt/
  python   pyproject.toml, and the dependencies of the project in pipes/              pip
           and of further code locations, each into a lock of its own
  go       imports and go.mod in nix/tools/ and runtime/                              go
  digests  anything of which Dagnix's images are made                                 Nix

The digests are those of the images that Nix then builds (docs/decisions/digests.md).

In a project of its own (docs/howto/new-project.md) only what is in pipes/ is the project's: the
other lists are Dagnix's.

Without --upgrade what is locked stays as it is, and moves only where an edit or the mirrors leave
no other way; so a second lock changes nothing. `./dagnix fetch --help` names the environment.
"""


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    made = argparse.ArgumentParser(
        prog="dagnix lock",
        description="Resolve what goes into the images, and write nix/locks/*.json; "
        "nix/digests.json then names what came of it.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument(
        "locks",
        nargs="*",
        type=_lock,
        metavar="debian|python|go|digests",
        help="which lock (default: all)",
    )
    made.add_argument("--upgrade", action="store_true", help="take the newest of everything")
    made.add_argument(
        "--python",
        type=Path,
        metavar="PROGRAM",
        help="a Python with pip and packaging to solve with "
        "(default: the one that `nix build .#cli` makes)",
    )
    return made


def _lock(name: str) -> str:
    if name not in LOCKS:
        raise argparse.ArgumentTypeError(f"{name} is none of {', '.join(LOCKS)}")
    return name


def _python(checkout: Checkout, options: argparse.Namespace, faults: Faults) -> list[str]:
    """Lock the images' packages, then those of each further code location."""
    upgrade, interpreter = options.upgrade, options.python
    changed = []
    with faults.of(locations.FIRST):
        dependencies.of(checkout, checkout.pipes)
    if locations.FIRST not in faults:
        changed += python.update(checkout, upgrade=upgrade, interpreter=interpreter)
    for name, folder in locations.others(checkout.root).items():
        solver = interpreter or python.built(checkout)
        with faults.of(name):
            lines, held_back = location_lock.update(
                checkout, name, folder, upgrade=upgrade, interpreter=solver
            )
            changed += [f"{name}: {line}" for line in (*lines, *held_back)]
    changed += debian.drop_pythons(checkout)
    return changed


def main() -> None:
    """Lock as the command line says."""
    options = parser().parse_args()
    checkout = Checkout.here()
    faults = Faults(locations.unreadable(checkout.root))
    update = {
        "debian": lambda: debian.update(checkout, faults, upgrade=options.upgrade),
        "python": lambda: _python(checkout, options, faults),
        "go": lambda: golang.update(checkout, upgrade=options.upgrade),
        "digests": lambda: digests.update(checkout, faults),
    }
    chosen = options.locks or (LOCKS if checkout.is_dagnix else PROJECTS_OWN)
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


if __name__ == "__main__":
    sys.exit(end_well(main))
