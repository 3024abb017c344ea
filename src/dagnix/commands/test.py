"""Set everything up and run all tests.

`nix flake check` and the tests of the code in pipes/ run at the same time as those of Dagnix
itself. Arguments go to pytest; then only the tests of Dagnix run. A project of its own has only
the check and the tests of its code, which get the arguments.

With --dagster, that version is locked in a copy of the checkout, and the tests that depend on
Dagster run there.
"""

import argparse
import os
import shlex
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dagnix import UserError, code_locations, console, process, project
from dagnix.host import nix, podman
from dagnix.images import build, load
from dagnix.process import Result
from dagnix.testing import another_dagster

PASSES_ON = True  # to pytest
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
        return process.run(
            self.words, failure, check=False, capture=capture, env=environment, cwd=self.folder
        )


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what it takes."""
    parser.add_argument(
        "--quick", action="store_true", help="only the unit tests, and whether the stack comes up"
    )
    parser.add_argument(
        "--dagster",
        default="",
        metavar="VERSION",
        help="whether Dagnix works with another Dagster: a version, or `newest`",
    )


def run(given: argparse.Namespace) -> int:
    """Run the command; the exit code is 1 if a test fails."""
    here = project.current()
    if given.dagster:
        if not has_tests(here):
            raise UserError(
                "--dagster is for Dagnix itself. Here, name the version under [tool.dagnix] in "
                "pyproject.toml, and run ./dagnix lock and ./dagnix test."
            )
        return int(not another_dagster.test(here, given.dagster, given.rest))
    if has_tests(here):
        load.load(here, build.build(here))
    with console.step("Building the dev environment", "The dev environment is built") as step:
        log = nix.Log(step.show)
        (dev,) = nix.build(here, ["dev"], log, "--out-link", here.roots / "dev")
    environment = {
        **podman.settings(),
        "PATH": f"{dev}/bin:{os.environ['PATH']}",
        # Empty is unset: each program that tests start would compile Dagnix's own modules anew.
        "PYTHONDONTWRITEBYTECODE": "",
        # Beside a module pytest would write its own, which root may do in the Nix store.
        "PYTHONPYCACHEPREFIX": str(here.state / "pycache"),
    }
    main, others = suites(
        here, [f"{dev}/bin/python", "-m", "pytest"], given.rest, quick=given.quick
    )
    with beside(others, environment) as results:
        console.out.print(str(main), style="bold", highlight=False)
        passed = [main.run(environment, capture=False).returncode == 0]
        passed += [report(suite, *result.result()) for suite, result in results]
    return int(not all(passed))


def suites(
    here: project.Project, pytest: list[str], arguments: list[str], *, quick: bool
) -> tuple[Suite, list[Suite]]:
    """Return the suite whose progress is shown, and those that run beside it.

    `pytest` is the command, and `arguments` what is handed on to it.
    """
    code = Suite(pytest, here.root / code_locations.FIRST)
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
