"""What is served of a project; the entrypoint's project_test.go reads the same cases."""

from pathlib import Path

import pytest
from support import projects

from dagnix import UserError
from dagnix.code import dagster_project

CASES = projects.having("target", "refused")


@pytest.mark.parametrize("name", CASES)
def test_layout(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    folder = projects.folder_of(case, tmp_path)
    if "target" in case:
        assert dagster_project.read(folder) == dagster_project.Target(**case["target"])
        return
    with pytest.raises(UserError) as refused:
        dagster_project.read(folder)
    assert case["refused"] in str(refused.value)
    assert "\n" not in str(refused.value)
