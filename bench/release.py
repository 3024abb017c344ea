"""The Dagster before the one that is locked, for what a release of Dagster costs."""

import dataclasses
import re
import sys
from pathlib import Path

from bench import lists
from dagnix.faults import Faults
from dagnix.locks import lockfile
from dagnix.locks.fetch import everything
from dagnix.locks.solve import python
from dagnix.locks.systems import host_system

DAGSTER = re.compile(r"dagster(?![\w-])")


def go_back(root: Path) -> None:
    """Lock the newest Dagster that is older, with all else as it is, and fetch it.

    Raises:
        UserError: the index has none that fits, or it cannot be fetched.

    """
    checkout, lock = lists.checkout(root), lists.lock(root)
    packages = lock["packages"]
    version = packages[host_system().name]["dagster"]["version"]
    desired = python.read_lists(checkout)
    constraints = [each for each in desired.constraints if not DAGSTER.match(each)]
    older = dataclasses.replace(desired, constraints=[*constraints, f"dagster<{version}"])
    solved, _ = python.solved(checkout, Path(sys.executable), older, packages)
    python.add_sizes(checkout, solved, packages)
    lockfile.write(lists.path(root), solved)
    everything.fetch(checkout, [host_system()], Faults(), relock=None)
