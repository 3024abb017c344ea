"""`./dagnix test`."""

import os
import shlex

import typer

from dagnix import console, images, nix, podman, project
from dagnix.process import run

CONTEXT = {
    "allow_extra_args": True,
    "ignore_unknown_options": True,
    "help_option_names": ["-h", "--help"],
}


def command(context: typer.Context) -> None:
    """Set everything up and run all tests; arguments go to pytest, for tests/ alone.

    Without arguments `nix flake check` and the tests of the code location run first. A project
    that has no tests/ has only these, and arguments are for the code location's.
    """
    here = project.current()
    has_tests = (here.root / "tests").is_dir()
    if has_tests:
        images.load(here, images.build(here))
    with console.step("Building the dev environment", "The dev environment is built") as step:
        log = nix.Log(step.show)
        (dev,) = nix.build(here, ["dev"], log, "--out-link", here.roots / "dev")
    environment = {**podman.settings(here.state), "PATH": f"{dev}/bin:{os.environ['PATH']}"}
    pytest = [f"{dev}/bin/python", "-m", "pytest"]
    suites = [
        (["nix", "flake", "check"], here.root),
        (pytest, here.root / "pipes"),
        *([(pytest, here.root)] if has_tests else []),
    ]
    if context.args:
        words, folder = suites[-1]
        suites = [([*words, *context.args], folder)]
    failed = False
    for words, folder in suites:
        console.out.print(f"$ {shlex.join(words)}   (in {folder})", style="bold", highlight=False)
        failure = f"{words[0]} cannot run"
        result = run(words, failure, check=False, capture=False, env=environment, cwd=folder)
        failed = failed or result.returncode != 0
    raise typer.Exit(int(failed))
