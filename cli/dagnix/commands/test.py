"""`./dagnix test`."""

import os
import shlex
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from dagnix import UserError, another_dagster, console, images, locations, nix, podman, project
from dagnix.process import Result, run

CONTEXT = {
    "allow_extra_args": True,
    "ignore_unknown_options": True,
    "help_option_names": ["-h", "--help"],
}
# Tests of the stack wait for half of their time, so a core serves two of them at once.
WORKERS_OF_A_CORE = 2
# A stack with runs in flight and a browser beside it: 1.5 GiB were seen.
WORKER_MEMORY = 3 << 30
QUICK = ("tests/unit", "tests/stack/test_up.py")


@dataclass(frozen=True)
class Suite:
    """A command that tests something, and the folder to run it in."""

    words: Sequence[str]
    folder: Path

    def __str__(self) -> str:
        return f"$ {shlex.join(self.words)}   (in {self.folder})"

    def run(self, environment: dict[str, str], *, capture: bool) -> Result:
        """Run it to its end, whatever that is."""
        failure = f"{self.words[0]} cannot run"
        return run(
            self.words, failure, check=False, capture=capture, env=environment, cwd=self.folder
        )


def command(
    context: typer.Context,
    quick: Annotated[
        bool, typer.Option("--quick", help="Only the unit tests, and whether the stack comes up.")
    ] = False,
    dagster: Annotated[
        str,
        typer.Option(
            "--dagster",
            metavar="VERSION",
            help="Whether Dagnix works with another Dagster: a version, or `newest`.",
        ),
    ] = "",
) -> None:
    """Set everything up and run all tests.

    `nix flake check` and the tests of the code in pipes/ run beside those of Dagnix itself. With
    arguments, which go to pytest, only the latter run. A project of its own has its code's tests,
    which get the arguments there, and the check.

    With --dagster that version is locked in a copy of the checkout, and there the tests run of
    what depends on it.
    """
    here = project.current()
    if dagster:
        if not has_tests(here):
            raise UserError(
                "--dagster is for Dagnix itself. Here, name the version under [tool.dagnix] in "
                "pyproject.toml, and run ./dagnix lock and ./dagnix test."
            )
        raise typer.Exit(int(not another_dagster.test(here, dagster, context.args)))
    if has_tests(here):
        images.load(here, images.build(here))
    with console.step("Building the dev environment", "The dev environment is built") as step:
        log = nix.Log(step.show)
        (dev,) = nix.build(here, ["dev"], log, "--out-link", here.roots / "dev")
    environment = {**podman.settings(), "PATH": f"{dev}/bin:{os.environ['PATH']}"}
    main, others = suites(here, [f"{dev}/bin/python", "-m", "pytest"], context.args, quick=quick)
    with beside(others, environment) as results:
        console.out.print(str(main), style="bold", highlight=False)
        passed = [main.run(environment, capture=False).returncode == 0]
        passed += [report(suite, *result.result()) for suite, result in results]
    raise typer.Exit(int(not all(passed)))


def suites(
    here: project.Project, pytest: list[str], arguments: list[str], *, quick: bool
) -> tuple[Suite, list[Suite]]:
    """Return the suite whose progress is shown, and those that run beside it.

    `pytest` is the command, and `arguments` what is handed on to it.
    """
    code = Suite(pytest, here.root / locations.FIRST)
    flake = Suite(["nix", "flake", "check"], here.root)
    if not has_tests(here):
        shown = Suite([*pytest, *arguments], code.folder)
        return shown, [] if quick or arguments else [flake]
    parallel = [f"--numprocesses={workers()}", "--dist=loadgroup", "--no-loadscope-reorder"]
    shown = Suite([*pytest, *parallel, *(QUICK if quick else ()), *arguments], here.root)
    return shown, [code] if quick else [] if arguments else [flake, code]


def has_tests(here: project.Project) -> bool:
    """Tell whether this is Dagnix itself; a project has only the tests of its code."""
    return (here.root / "tests").is_dir()


def workers() -> int:
    """Return how many tests can run at once: as many as cores and memory allow."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    cores = len(os.sched_getaffinity(0))
    return max(1, min(cores * WORKERS_OF_A_CORE, memory // WORKER_MEMORY))


@contextmanager
def beside(
    suites: Sequence[Suite], environment: dict[str, str]
) -> Iterator[list[tuple[Suite, Future[tuple[Result, float]]]]]:
    """Run suites in the background, with what they say kept for later."""

    def timed(suite: Suite) -> tuple[Result, float]:
        began = time.monotonic()
        return suite.run(environment, capture=True), time.monotonic() - began

    with ThreadPoolExecutor(max(1, len(suites))) as pool:
        yield [(suite, pool.submit(timed, suite)) for suite in suites]


def report(suite: Suite, result: Result, seconds: float) -> bool:
    """Print how a suite in the background ended, with all that it said if it did not pass.

    Returns whether it passed.
    """
    console.out.print(str(suite), style="bold", highlight=False)
    if result.returncode:
        print(result.output, result.errors, sep="\n")
        console.failed(f"{suite.words[0]} ended with {result.returncode}")
        return False
    last = (result.output or result.errors).strip().splitlines()[-1:]
    console.finished(last[0].strip("= ") if last else "passed", seconds)
    return True
