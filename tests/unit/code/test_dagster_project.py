"""What is served of a project; runtime/internal/codeserver/project_test.go reads the same cases."""

from pathlib import Path

import pytest
from support import projects

from dagnix import UserError, layout

CASES = projects.having("target", "refused")


@pytest.mark.parametrize("name", CASES)
def test_layout(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    folder = projects.folder_of(case, tmp_path)
    if "target" in case:
        assert layout.read(folder) == layout.Target(**case["target"])
        return
    with pytest.raises(UserError) as refused:
        layout.read(folder)
    assert case["refused"] in str(refused.value)
    assert "\n" not in str(refused.value)
