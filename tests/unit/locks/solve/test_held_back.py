"""What pip's log tells of a solution that there is not."""

import runpy
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from dagnix.locks.solve.python import SOLVER

HELD_BACK = SOLVER.with_name("held_back.py")
VERSIONS = range(300)


def test_a_conflict_of_hundreds_of_versions_has_the_log_read_once() -> None:
    program = runpy.run_path(str(HELD_BACK))
    no_wheel: Callable[[str, str], dict[str, str]] = program["no_wheel"]
    read: Callable[..., Any] = program["_by_file"]
    times = []

    def counted(said: Iterable[str], python: str) -> Any:
        times.append(python)
        return read(said, python)

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(no_wheel.__globals__, "_by_file", counted)
        files = [f"Found link http://x/cloud-{n}-py3-none-any.whl (from x)" for n in VERSIONS]
        conflicts = [f"    parent {n} depends on cloud=={n}" for n in VERSIONS]
        log = [*files, "The conflict is caused by:", *conflicts, "", "ERROR: ResolutionImpossible"]
        stamped = "\n".join(f"2026-11-28T18:19:12,441 {line}" for line in log)
        assert no_wheel(stamped, "3.13.5") == {}
    assert times == ["3.13.5"]
