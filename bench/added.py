"""Code that measurements add to the code location of a copy."""

from pathlib import Path

from dagnix.process import run

SMALL_JOB = "bench_small"
SMALL = f'''\
"""A run that does nothing, so that what it costs is what every run costs."""

import dagster as dg


@dg.op
def nothing() -> None:
    """Do nothing."""


@dg.job(executor_def=dg.in_process_executor)
def {SMALL_JOB}() -> None:
    """Do nothing, in the run's own process."""
    nothing()
'''
# Not one chain: Dagster follows each by recursion, and a thousand assets in one are, with some of
# Python's random hash seeds, more than its limit.
MANY = '''\
"""As many assets as a large project has."""

import dagster as dg


def _asset(number: int) -> dg.AssetsDefinition:
    @dg.asset(name=f"bench_{{number}}", deps=[f"bench_{{number - 10}}"] if number >= 10 else [])
    def made() -> int:
        return number

    return made


@dg.definitions
def many() -> dg.Definitions:
    """Make ten chains of them."""
    return dg.Definitions(assets=[_asset(number) for number in range({count})])
'''


def small_job(code: Path) -> None:
    """Add the job SMALL_JOB, whose one op does nothing, to code that Nix takes from git."""
    path = _write(code, SMALL)
    run(["git", "-C", code, "add", "--intent-to-add", path], "Git does not take a file")


def assets(code: Path, count: int) -> None:
    """Add so many assets, or change their number."""
    _write(code, MANY.format(count=count))


def _write(code: Path, text: str) -> Path:
    path = code / "src" / "pipes" / "defs" / "bench.py"
    path.write_text(text)
    return path
