"""Print what a shell completes ./dagnix with: bash, zsh or fish.

bash: source <(./dagnix completion bash); zsh: the same after `autoload -U compinit && compinit`;
fish: ./dagnix completion fish | source. A line in the shell's own configuration makes it stay.
"""

import argparse

from dagnix.commands import shells


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what it takes."""
    parser.add_argument("shell", choices=tuple(shells.SHELLS), help="the shell")


def run(given: argparse.Namespace) -> None:
    """Run the command."""
    print(shells.SHELLS[given.shell](shells.tree()), end="")
