"""`./dagnix env`."""

import os
import shlex

from dagnix import console, podman, project

NIX = ("NIX_CONFIG",)
GIT = ("GIT_CONFIG_COUNT", "GIT_CONFIG_KEY_0", "GIT_CONFIG_VALUE_0")


def command() -> None:
    """Print export lines with which plain nix and podman work as they do under ./dagnix.

    Use them with: eval "$(./dagnix env)"
    """
    here = project.current()
    # Git trusts a checkout that belongs to whoever runs it.
    inherited = NIX if here.root.stat().st_uid == os.geteuid() else (*NIX, *GIT)
    variables = {name: os.environ[name] for name in inherited if name in os.environ}
    for name, value in {**variables, **podman.settings(here.state)}.items():
        console.out.print(f"export {name}={shlex.quote(value)}", markup=False, soft_wrap=True)
