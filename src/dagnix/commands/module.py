"""Commands that are modules of their own, which run before the command line is built."""

import os
import sys

import typer

# All arguments, --help too, go to the module.
FORWARD = {
    "allow_extra_args": True,
    "ignore_unknown_options": True,
    "help_option_names": [],
}


def forward(module: str, context: typer.Context) -> None:
    """Become `python -m module` with the arguments that were given."""
    os.execv(sys.executable, [sys.executable, "-m", module, *context.args])  # noqa: S606
