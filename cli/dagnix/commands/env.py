"""`./dagnix env`."""

import os
import shlex

from dagnix import console, podman, project


def command() -> None:
    """Print export lines with which plain nix and podman work as they do under ./dagnix.

    Use them with: eval "$(./dagnix env)"
    """
    here = project.current()
    # Git trusts a checkout that belongs to whoever runs it.
    foreign = here.root.stat().st_uid != os.geteuid()
    variables = {
        name: value
        for name, value in os.environ.items()
        if name == "NIX_CONFIG" or (foreign and name.startswith("GIT_CONFIG_"))
    }
    for name, value in {**variables, **podman.settings()}.items():
        console.out.print(f"export {name}={shlex.quote(value)}", markup=False, soft_wrap=True)
