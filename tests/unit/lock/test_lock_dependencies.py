"""What a project depends on, in each of the forms that projects have."""

from pathlib import Path

import pytest
from support import projects
from support.stack import ROOT

from dagnix import UserError
from dagnix.lock import dependencies
from dagnix.lock.checkout import Checkout

CASES = projects.having("dependencies", "unreadable")
HERE = Checkout(ROOT, ROOT)


@pytest.mark.parametrize("name", CASES)
def test_dependencies(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    folder = projects.folder_of(case, tmp_path)
    if "dependencies" in case:
        want = case["dependencies"]
        found = dependencies.of(HERE, folder)
        assert found.file == folder / want["file"]
        requirements = [*dependencies.REQUIRED, *want.get("requirements", ())]
        assert list(found.requirements) == requirements
        assert list(found.constraints) == want.get("constraints", [])
        assert found.python == want.get("python", "")
        return
    with pytest.raises(UserError) as refused:
        dependencies.of(HERE, folder)
    assert case["unreadable"] in str(refused.value)
    assert "\n" not in str(refused.value)
