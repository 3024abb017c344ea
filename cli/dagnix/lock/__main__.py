"""`./dagnix lock`."""

import argparse
import sys
from pathlib import Path

from dagnix import locations
from dagnix.lock import debian, golang, python
from dagnix.lock import locations as location_lock
from dagnix.lock.checkout import Checkout
from dagnix.lock.program import alone, end_well
from dagnix.lock.wheels import PYTHON

ECOSYSTEMS = ("debian", "python", "go")
PROJECTS_OWN = ("debian", "python")

EPILOG = """\
What people edit, and who solves it, with the host's own mirrors, indexes, proxies and credentials:

  debian   nix/debian.toml, [tool.dagnix] debian-packages in pipes/pyproject.toml     apt
  python   pyproject.toml, and the dependencies of the project in pipes/              pip
           and of further code locations, each into a lock of its own
  go       imports and go.mod in nix/tools/ and runtime/                              go

In a project of its own (docs/howto/new-project.md) only what is in pipes/ is the project's: the
other lists are Dagnix's.

Without --upgrade what is locked stays as it is, and moves only where an edit or the mirrors leave
no other way; so a second lock changes nothing. `./dagnix fetch --help` names the environment.
"""


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    made = argparse.ArgumentParser(
        prog="dagnix lock",
        description="Resolve what goes into the images, and write nix/locks/*.json.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument(
        "ecosystem",
        nargs="*",
        type=_ecosystem,
        metavar="debian|python|go",
        help="which lock (default: all)",
    )
    made.add_argument("--upgrade", action="store_true", help="take the newest of everything")
    made.add_argument(
        "--python",
        type=Path,
        metavar="PROGRAM",
        help=f"a Python {PYTHON} with pip and packaging to solve with "
        "(default: the one that `nix build .#cli` makes)",
    )
    return made


def _ecosystem(name: str) -> str:
    if name not in ECOSYSTEMS:
        raise argparse.ArgumentTypeError(f"{name} is none of {', '.join(ECOSYSTEMS)}")
    return name


def _python(checkout: Checkout, options: argparse.Namespace) -> list[str]:
    """Lock the images' packages, then those of each further code location."""
    upgrade, interpreter = options.upgrade, options.python
    changed = python.update(checkout, upgrade=upgrade, interpreter=interpreter)
    for name, folder in locations.others(checkout.root).items():
        lines, held_back = location_lock.update(
            checkout,
            name,
            folder,
            upgrade=upgrade,
            interpreter=interpreter or python.built(checkout),
        )
        changed += [f"{name}: {line}" for line in (*lines, *held_back)]
    return changed


def main() -> None:
    """Lock as the command line says."""
    options = parser().parse_args()
    checkout = Checkout.here()
    update = {
        "debian": lambda: debian.update(checkout, upgrade=options.upgrade),
        "python": lambda: _python(checkout, options),
        "go": lambda: golang.update(checkout, upgrade=options.upgrade),
    }
    everything = ECOSYSTEMS if checkout.is_dagnix else PROJECTS_OWN
    with alone(checkout):
        for name in ECOSYSTEMS:
            if name in (options.ecosystem or everything):
                print(f"resolving {name}", file=sys.stderr)
                lines = update[name]()
                print("\n".join(lines) if lines else f"nothing changed in {name}")


if __name__ == "__main__":
    sys.exit(end_well(main))
