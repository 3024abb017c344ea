"""`./dagnix`: the command line.

`fetch`, `lock`, `doctor` and all help run on the host's own Python, before anything is built: up to
the import of a command's own work this is the standard library alone.
"""

import sys

from dagnix import UserError, commands
from dagnix.ending import end_well

USAGE = """\
Usage: ./dagnix [--env NAME] COMMAND [OPTIONS]      (./dagnix COMMAND --help tells more)

Dagster in small images that Nix builds from locked files and podman runs.
"""


def usage() -> str:
    """Return the list of commands, each with its line."""
    lines = [f"  {name:10} {commands.summary(name)}" for name in commands.COMMANDS]
    return "\n".join([USAGE, *lines])


def run(words: list[str]) -> int:
    """Run a command, and return its exit code.

    Raises:
        UserError: there is no such command, or it fails.

    """
    if not words or words[0] in {"-h", "--help"}:
        print(usage())
        return 0
    name, *rest = words
    if name not in commands.COMMANDS:
        raise UserError(f"There is no command {name}: ./dagnix --help lists them.")
    parser = commands.parser(name)
    if commands.passes_on(name):
        options, unknown = parser.parse_known_args(rest)
        options.rest = unknown
    else:
        options = parser.parse_args(rest)
    return options.run(options) or 0


def main() -> None:
    """Run the command that the arguments name; what its user can mend ends in one sentence."""
    sys.exit(end_well(lambda: run(sys.argv[1:])))


if __name__ == "__main__":
    main()
