"""`dagnix`: the command line."""

import importlib
import sys
from typing import NoReturn

import typer

from dagnix import UserError, console
from dagnix.lock.program import not_written

COMMANDS = (
    *("up", "down", "status", "logs", "reload", "restart", "upgrade"),
    *("deploy", "rollback", "history", "location", "secret", "auth", "tls"),
    *("backup", "restore", "prune"),
    *("fetch", "build", "load", "lock"),
    *("test", "bench", "env", "doctor"),
)


def application(names: tuple[str, ...]) -> typer.Typer:
    """Return the application with these commands, each from a module of its own."""
    app = typer.Typer(
        add_completion=False,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        help="Dagster in small images that Nix builds from locked files and podman runs. With "
        "--env NAME before the command: the instance that config/env/NAME.env describes.",
    )
    app.callback()(lambda: None)
    for name in names:
        module = importlib.import_module(f"dagnix.commands.{name}")
        if commands := getattr(module, "app", None):
            app.add_typer(commands, name=name)
        else:
            app.command(name, context_settings=getattr(module, "CONTEXT", None))(module.command)
    return app


def _fail(sentence: str) -> NoReturn:
    said = console.harmless(f"dagnix: {sentence}")  # it may have what an op printed
    console.err.print(said, markup=False, soft_wrap=True)
    sys.exit(1)


def main() -> None:
    """Run the command that the arguments name; user errors end in a sentence and exit code 1."""
    try:
        # Only the command that is asked for is imported: help needs all, `status` no GraphQL.
        asked = sys.argv[1] if len(sys.argv) > 1 else ""
        application((asked,) if asked in COMMANDS else COMMANDS)(prog_name="./dagnix")
    except UserError as error:
        _fail(str(error))
    except OSError as error:
        if not (sentence := not_written(error)):
            raise
        _fail(sentence)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
