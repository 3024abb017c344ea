"""Print export lines with which plain nix and podman work as they do here.

Use them with: eval "$(./dagnix env)"
"""

import argparse
import os
import shlex

from dagnix import console, project
from dagnix.host import podman


def arguments(_: argparse.ArgumentParser) -> None:
    """Declare what it takes."""


def run(_: argparse.Namespace) -> None:
    """Run the command."""
    here = project.current()
    # Git trusts a checkout that belongs to whoever runs it.
    belongs_to_another = here.root.stat().st_uid != os.geteuid()
    variables = {
        name: value
        for name, value in os.environ.items()
        if name == "NIX_CONFIG" or (belongs_to_another and name.startswith("GIT_CONFIG_"))
    }
    for name, value in {**variables, **podman.settings()}.items():
        console.out.print(f"export {name}={shlex.quote(value)}", markup=False, soft_wrap=True)
