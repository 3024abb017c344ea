"""Download the locked files into the Nix store: the only step that needs a network."""

import argparse
import shutil
import sys
from dataclasses import replace
from pathlib import Path

from dagnix import code_locations
from dagnix.checkout import Checkout
from dagnix.faults import Faults
from dagnix.locks.fetch import everything, folder
from dagnix.locks.fetch.own import OWN
from dagnix.locks.mirrors import OWN_MIRROR, OWN_SECURITY_MIRROR
from dagnix.locks.program import alone
from dagnix.locks.solve.apt import DEBIAN_KEYRING, OWN_KEYRING
from dagnix.locks.solve.relock import relock
from dagnix.locks.systems import SYSTEMS, host_system

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


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what it takes."""
    parser.epilog = EPILOG
    parser.add_argument("--locked", action="store_true", help="never change a lock: fail instead")
    parser.add_argument(
        "--keep-going",
        action="store_true",
        help="exit with 0 too if files of a code location beside pipes cannot be had",
    )
    parser.add_argument(
        "--tests", action="store_true", help="also what only Dagnix's own tests compile: Kubernetes"
    )
    parser.add_argument("--to", metavar="DIR", type=Path, help="copy the files to DIR too")
    parser.add_argument(
        "--system",
        action="append",
        choices=sorted(SYSTEMS),
        help="the machine to build for; may be given more than once "
        "(default: this one; with --to: all)",
    )


def run(given: argparse.Namespace) -> None:
    """Run the command."""
    checkout = Checkout.here()
    if given.system:
        systems = [SYSTEMS[name] for name in given.system]
    else:
        systems = list(SYSTEMS.values()) if given.to else [host_system()]
    faults = Faults(code_locations.unreadable(checkout.root))
    with alone(checkout):
        fetched = everything.fetch(
            checkout, systems, faults, relock=None if given.locked else relock
        )
        if given.tests:
            vendors = (*fetched.vendors, *everything.for_tests(checkout))
            fetched = replace(fetched, vendors=vendors)
        shutil.rmtree(checkout.downloads, ignore_errors=True)
        if given.to:
            copied = folder.fill(given.to, fetched)
            print(f"{given.to} has all files, {copied} of them new: set {OWN} to it.")
    count = len(fetched.store_paths)
    if not faults:
        print(f"All {count} locked inputs are in the Nix store.", file=sys.stderr)
    elif not given.keep_going:
        faults.tell(f"{count} locked inputs are in the Nix store")
