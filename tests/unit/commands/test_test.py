"""`./dagnix test`: what runs beside what."""

import os
from pathlib import Path

import pytest

from dagnix import project
from dagnix.commands import test
from dagnix.process import Result


@pytest.mark.parametrize(
    ("cores", "gibibytes", "expected"), [(2, 24, 4), (2, 8, 2), (8, 64, 16), (1, 1, 1)]
)
def test_as_many_workers_as_cores_and_memory_allow(
    monkeypatch: pytest.MonkeyPatch, cores: int, gibibytes: int, expected: int
) -> None:
    page = 4096
    sizes = {"SC_PAGE_SIZE": page, "SC_PHYS_PAGES": (gibibytes << 30) // page}
    monkeypatch.setattr(os, "sysconf", sizes.__getitem__)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)))
    assert test.workers() == expected


@pytest.mark.parametrize(
    ("quick", "arguments", "shown", "beside"),
    [
        (False, [], [], ["nix", "pytest"]),
        (False, ["tests/docs", "-x"], ["tests/docs", "-x"], []),
        (True, [], ["tests/unit", "tests/stack/test_up.py"], ["pytest"]),
    ],
)
def test_what_runs_of_dagnix_itself(
    checkout: Path, quick: bool, arguments: list[str], shown: list[str], beside: list[str]
) -> None:
    (checkout / "tests").mkdir()
    suite, others = test.suites(project.current(), ["pytest"], arguments, quick=quick)
    assert suite.folder == checkout
    assert suite.words[0] == "pytest"
    assert [each for each in suite.words[1:] if not each.startswith("--")] == shown
    assert [each.words[0] for each in others] == beside


def test_what_runs_of_a_project(checkout: Path) -> None:
    suite, others = test.suites(project.current(), ["pytest"], [], quick=False)
    assert (suite.words, suite.folder) == (["pytest"], checkout / "pipes")
    assert [each.words[0] for each in others] == ["nix"]
    assert test.suites(project.current(), ["pytest"], ["-x"], quick=False)[0].words[-1] == "-x"


def test_what_ran_in_the_background_is_shown_if_it_failed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    suite = test.Suite(["nix", "flake", "check"], tmp_path)
    assert test.report(suite, Result(("nix",), 0, "all is well\n3 passed\n"), 2)
    assert "all is well" not in capsys.readouterr().out
    assert not test.report(suite, Result(("nix",), 1, "one thing\n", "another\n"), 2)
    said = capsys.readouterr()
    assert "one thing" in said.out
    assert "another" in said.out
    assert "nix ended with 1" in said.err
