"""`./dagnix fetch`."""

import argparse
import shutil
import sys
from pathlib import Path

from dagnix import locations
from dagnix.fetch import everything, folder
from dagnix.fetch.own import OWN
from dagnix.locations.faults import Faults
from dagnix.lock.apt import DEBIAN_KEYRING, OWN_KEYRING
from dagnix.lock.checkout import Checkout
from dagnix.lock.mirrors import OWN_MIRROR, OWN_SECURITY_MIRROR
from dagnix.lock.program import alone, end_well
from dagnix.lock.systems import SYSTEMS, host_system

EPILOG = f"""\
Debian's files come from the mirrors of the host's apt, wheels through the host's pip, Go modules
through the locked Go; their own settings apply. Environment:

  {OWN}
      a folder or URL that is looked in first, as --to fills it
  {OWN_MIRROR}, {OWN_SECURITY_MIRROR}
      the Debian mirrors to use in place of apt's; needed on a host without apt
      (the second is the first with "-security" at its end if it is not set)
  {OWN_KEYRING}
      the keys that sign these mirrors, in place of {DEBIAN_KEYRING}

A Debian file that is gone from the mirror is locked anew at the version that is there, and so are
packages that this one needs; --locked refuses instead.
"""


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    made = argparse.ArgumentParser(
        prog="dagnix fetch",
        description="Bring every locked file that is not in the Nix store there, verified.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("--locked", action="store_true", help="never change a lock: fail instead")
    made.add_argument(
        "--keep-going",
        action="store_true",
        help="exit with 0 too if files of a code location beside pipes cannot be had",
    )
    made.add_argument("--to", metavar="DIR", type=Path, help="copy the files to DIR too")
    made.add_argument(
        "--system",
        action="append",
        choices=sorted(SYSTEMS),
        help="the machine to build for; may be given more than once "
        "(default: this one; with --to: all)",
    )
    return made


def main() -> None:
    """Fetch as the command line says."""
    options = parser().parse_args()
    checkout = Checkout.here()
    if options.system:
        systems = [SYSTEMS[name] for name in options.system]
    else:
        systems = list(SYSTEMS.values()) if options.to else [host_system()]
    faults = Faults(locations.unreadable(checkout.root))
    with alone(checkout):
        fetched = everything.fetch(checkout, systems, faults, locked=options.locked)
        shutil.rmtree(checkout.downloads, ignore_errors=True)
        if options.to:
            copied = folder.fill(options.to, fetched)
            print(f"{options.to} has all files, {copied} of them new: set {OWN} to it.")
    count = len(fetched.store_paths)
    if not faults:
        print(f"All {count} locked inputs are in the Nix store.", file=sys.stderr)
    elif not options.keep_going:
        faults.tell(f"{count} locked inputs are in the Nix store")


if __name__ == "__main__":
    sys.exit(end_well(main))
