"""`./dagnix test`."""

import os

import typer

from dagnix import console, images, nix, podman, project
from dagnix.process import run

CONTEXT = {
    "allow_extra_args": True,
    "ignore_unknown_options": True,
    "help_option_names": ["-h", "--help"],
}


def command(context: typer.Context) -> None:
    """Set everything up and run all tests; arguments go to pytest.

    Without arguments `nix flake check` runs first.
    """
    here = project.current()
    images.load(here, images.build(here))
    with console.step("Building the dev environment", "The dev environment is built") as step:
        log = nix.Log(step.show)
        (dev,) = nix.build(here, ["dev"], log, "--out-link", here.roots / "dev")
    environment = {**podman.settings(here.state), "PATH": f"{dev}/bin:{os.environ['PATH']}"}
    if not context.args:
        command = ["nix", "flake", "check", str(here.root)]
        failure = "`nix flake check` failed"
        run(command, failure, check=True, capture=False, env=environment)
    words = [f"{dev}/bin/python", "-m", "pytest", *context.args]
    result = run(
        words, "pytest cannot run", check=False, capture=False, env=environment, cwd=here.root
    )
    raise typer.Exit(result.returncode)
