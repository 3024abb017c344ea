"""Options that several commands have (standard library only)."""

import argparse

from dagnix import code_locations
from dagnix.commands import at_least
from dagnix.deploy.terms import LIMIT_MINUTES, WAIT_SECONDS, Afterwards


def location(parser: argparse.ArgumentParser) -> None:
    """Add the code location that a command is about."""
    parser.add_argument(
        "location",
        nargs="?",
        default=code_locations.FIRST,
        metavar="LOCATION",
        help=f"the code location (default: {code_locations.FIRST})",
    )


def images(parser: argparse.ArgumentParser) -> None:
    """Add the environment whose images are taken over."""
    parser.add_argument(
        "--from",
        dest="environment",
        metavar="ENV",
        help="build nothing: take this environment's images",
    )


def wait(parser: argparse.ArgumentParser, what: str = "each service") -> None:
    """Add how long something may take to become healthy."""
    parser.add_argument(
        "--wait",
        type=at_least(1),
        default=WAIT_SECONDS,
        metavar="SECONDS",
        help=f"how long {what} may take to become healthy (default: {WAIT_SECONDS})",
    )


def terms(parser: argparse.ArgumentParser) -> None:
    """Add what a deploy is subject to."""
    wait(parser, "the new code server")
    parser.add_argument(
        "--limit",
        type=at_least(0),
        default=LIMIT_MINUTES,
        metavar="MINUTES",
        help="after how many minutes --afterwards applies to runs on the old code "
        f"(default: {LIMIT_MINUTES})",
    )
    parser.add_argument(
        "--afterwards",
        type=Afterwards,
        choices=tuple(Afterwards),
        default=Afterwards.KEEP,
        help="what becomes of runs that are still on the old code: keep them and their container "
        "until they end, cancel them, or fail them (a job that allows retries is retried on the "
        "new code)",
    )


def yes(parser: argparse.ArgumentParser, what: str = "do not ask") -> None:
    """Add the answer to all questions."""
    parser.add_argument("--yes", action="store_true", help=what)


def as_json(parser: argparse.ArgumentParser) -> None:
    """Add the choice of JSON in place of a table."""
    parser.add_argument("--json", dest="as_json", action="store_true", help="print a JSON list")
