"""The commands, a file each, and what they have in common (standard library only).

A command's file is its one home. Its docstring is the help, and the first line of that what lists
show; `arguments` declares what it takes, `run` does it. Help, the list of `./dagnix --help`,
completion and the reference all come from there.
"""

import argparse
import importlib
import inspect
from collections.abc import Callable, Iterable
from typing import Any

# In the order in which a newcomer needs them.
COMMANDS = (
    *("up", "down", "status", "logs", "debug", "reload", "restart", "upgrade"),
    *("deploy", "rollback", "history", "location", "secret", "auth", "tls"),
    *("alerts", "backup", "restore", "prune", "boot"),
    *("fetch", "build", "load", "push", "lock", "updates", "kubernetes"),
    *("test", "bench", "env", "doctor", "completion"),
)

Run = Callable[[argparse.Namespace], int | None]


def parser(name: str) -> argparse.ArgumentParser:
    """Return the parser of a command. What it parses has `run`, which may return an exit code."""
    module = importlib.import_module(f"dagnix.commands.{name}")
    made = argparse.ArgumentParser(f"./dagnix {name}", **_described(module))
    made.set_defaults(run=getattr(module, "run", None), rest=[])
    module.arguments(made)
    return made


def summary(name: str) -> str:
    """Return a command's line in a list."""
    module = importlib.import_module(f"dagnix.commands.{name}")
    return _described(module)["description"].partition("\n")[0].removesuffix(".")


def passes_on(name: str) -> bool:
    """Tell whether a command hands on what it does not know."""
    return getattr(importlib.import_module(f"dagnix.commands.{name}"), "PASSES_ON", False)


def group(parser: argparse.ArgumentParser) -> Any:
    """Return what a command's own commands are added to."""
    return parser.add_subparsers(metavar="COMMAND", required=True)


def command(group: Any, name: str, run: Run) -> argparse.ArgumentParser:
    """Add a command of a command, whose help is the function's docstring."""
    text = _described(run)
    made = group.add_parser(name, help=text["description"].partition("\n")[0], **text)
    made.set_defaults(run=run)
    return made


def one_of(names: Iterable[str]) -> Callable[[str], str]:
    """Return a type of arguments: one of these names."""
    known = tuple(names)

    def check(text: str) -> str:
        if text not in known:
            raise argparse.ArgumentTypeError(f"{text} is none of {', '.join(known)}")
        return text

    return check


def at_least(least: float, number: type = float) -> Callable[[str], float]:
    """Return a type of arguments: a number that is not smaller."""

    def check(text: str) -> float:
        try:
            value = number(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"{text} is no number") from error
        if not value >= least:
            raise argparse.ArgumentTypeError(f"{text} is less than {least:g}")
        return value

    return check


def _described(what: object) -> dict[str, Any]:
    return {
        "description": inspect.getdoc(what) or "",
        "formatter_class": argparse.RawDescriptionHelpFormatter,
        "allow_abbrev": False,  # what a script says must mean the same after the next release
    }
