"""Which of the Pythons to be had a project gets."""

import runpy

import pytest

from dagnix.locks.solve.python import SOLVER

PYTHONS = [{"version": "3.13.5"}, {"version": "3.11.2"}]


@pytest.mark.parametrize(
    ("wanted", "version"),
    [
        ([], "3.13.5"),
        ([""], "3.13.5"),
        ([">=3.9"], "3.13.5"),
        ([">=3.9,<3.13"], "3.11.2"),
        (["==3.11.*"], "3.11.2"),
        ([">=3.9", "<3.12"], "3.11.2"),
        ([">=3.11.4,<3.12"], None),
        (["^3.11"], None),
    ],
)
def test_it_is_the_first_that_fits(
    monkeypatch: pytest.MonkeyPatch, wanted: list[str], version: str | None
) -> None:
    monkeypatch.syspath_prepend(SOLVER.parent)
    chosen = runpy.run_path(str(SOLVER))["chosen"](PYTHONS, wanted)
    assert (chosen or {}).get("version") == version
