"""The code that measurements add to a code location is code that Dagster loads."""

import runpy
from pathlib import Path

import dagster as dg
import pytest
from support.command import run

from bench import added


@pytest.fixture
def code(tmp_path: Path) -> Path:
    (tmp_path / "src" / "pipes" / "defs").mkdir(parents=True)
    run(["git", "init", "--quiet"], cwd=tmp_path)
    return tmp_path


def loaded(code: Path) -> dict[str, object]:
    return runpy.run_path(str(code / "src" / "pipes" / "defs" / "bench.py"))


def test_the_small_job_runs_and_git_knows_it(code: Path) -> None:
    added.small_job(code)
    job = loaded(code)[added.SMALL_JOB]
    assert isinstance(job, dg.JobDefinition)
    assert job.execute_in_process().success
    assert run(["git", "ls-files"], cwd=code).stdout == "src/pipes/defs/bench.py\n"


def test_there_are_as_many_assets_as_asked_for(code: Path) -> None:
    for count in (2, 5):
        added.assets(code, count)
        defs = loaded(code)["many"]()
        assert len(defs.resolve_asset_graph().get_all_asset_keys()) == count
