"""`python -m dagster_dagnix.prune`: delete what the instance in DAGSTER_HOME keeps no longer."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from dagster import DagsterInstance
from sqlalchemy.exc import OperationalError, ProgrammingError

from dagster_dagnix.prune.once import CannotPruneError, Order, prune

NICE, OOM_SCORE = 10, 1000


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m dagster_dagnix.prune",
        description="Delete what `retention` of the storage in dagster.yaml does not keep.",
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would go, and no more")
    parser.add_argument("--json", action="store_true", help="say it as JSON")
    parser.add_argument(
        "--shrink",
        action="store_true",
        help="have PostgreSQL write its tables anew, so that the disk gets the room",
    )
    parser.add_argument("--quiet", action="store_true", help="say nothing if nothing went")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> int:
    """Prune the instance in DAGSTER_HOME, and say what went; return the exit code."""
    asked = parse(arguments)
    give_way()
    order = Order(is_dry=asked.dry_run, shrinks=asked.shrink)
    try:
        with DagsterInstance.get() as instance:
            report = prune(instance, order)
    except (CannotPruneError, OperationalError, ProgrammingError) as error:
        print(f"prune: {getattr(error, 'orig', None) or error}", file=sys.stderr)
        return 1
    if report.is_empty and asked.quiet:
        return 0
    said = json.dumps(report.as_json()) if asked.json else "\n".join(report.lines())
    print(said, flush=True)
    return 0


def give_way() -> None:
    """Get the processor last, and be ended first for want of memory: others serve people."""
    os.nice(NICE)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(str(OOM_SCORE))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
