"""Measure Dagnix against Containerfiles, pip and `podman build`; takes hours.

docs/bench.md says what is measured, and how. The results go to bench/results.json, where those of
other groups stay, and are drawn in bench/chart.svg and bench/chart.png.

The working tree and a running stack are not touched. The benchmark edits copies of the files, and
starts and removes a second stack, named …-bench. The cold build uses its own Nix store in .dagnix,
about 2 GiB, which is removed afterwards.
"""

import argparse
import importlib
import sys

from dagnix import UserError, project
from dagnix.commands import one_of

GROUPS = ("build", "sizes", "start", "idle", "runs", "code", "growth", "retention")
FEWEST, MOST = 5, 20


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what it takes."""
    parser.add_argument(
        "groups",
        nargs="*",
        type=one_of(GROUPS),
        metavar="GROUP",
        help=f"measure these alone: {', '.join(GROUPS)}",
    )
    parser.add_argument(
        "--runs",
        type=int,
        choices=range(1, MOST + 1),
        default=FEWEST,
        metavar="N",
        help=f"how often each figure is taken, 1 to {MOST} (default: {FEWEST})",
    )


def run(given: argparse.Namespace) -> None:
    """Run the command."""
    here = project.current()
    if not (here.root / "bench" / "measure.py").exists():
        raise UserError("./dagnix bench measures Dagnix itself: run it in Dagnix's checkout.")
    # It is no part of the command line, which every project builds.
    sys.path.insert(0, str(here.root))
    importlib.import_module("bench.measure").measure(here, given.groups or GROUPS, given.runs)
