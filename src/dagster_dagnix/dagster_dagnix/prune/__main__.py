"""`python -m dagster_dagnix.prune`: delete what the instance in DAGSTER_HOME keeps no longer."""

import argparse
import json
import sys
from collections.abc import Sequence

from dagster import DagsterInstance
from sqlalchemy.exc import OperationalError

from dagster_dagnix.prune.once import CannotPruneError, Order, prune


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m dagster_dagnix.prune",
        description="Delete what `retention` of the storage in dagster.yaml does not keep.",
    )
    parser.add_argument("--location", help="only runs of this code location, or of none that is")
    parser.add_argument("--dry-run", action="store_true", help="say what would go, and no more")
    parser.add_argument("--json", action="store_true", help="say it as JSON")
    parser.add_argument(
        "--shrink",
        action="store_true",
        help="have PostgreSQL write its tables anew, so that the disk gets the room",
    )
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> int:
    """Prune the instance in DAGSTER_HOME, and say what went; return the exit code."""
    asked = parse(arguments)
    order = Order(asked.location, is_dry=asked.dry_run, shrinks=asked.shrink)
    try:
        with DagsterInstance.get() as instance:
            report = prune(instance, order)
    except (CannotPruneError, OperationalError) as error:
        print(getattr(error, "orig", None) or error, file=sys.stderr)
        return 1
    print(json.dumps(report.as_json()) if asked.json else "\n".join(report.lines()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
