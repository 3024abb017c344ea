"""What a project depends on, in each of the forms that projects have."""

from pathlib import Path

import pytest
from support import projects
from support.stack import ROOT

from dagnix import UserError
from dagnix.checkout import Checkout
from dagnix.locks.solve import dependencies

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


@pytest.mark.parametrize(
    ("source", "place"),
    [
        ("{ workspace = true }", "the uv workspace"),
        ('{ path = "../shared", editable = true }', "a folder or file"),
        ('[{ git = "https://example.org/a", marker = "sys_platform == \'linux\'" }]', "git"),
        ('{ url = "https://example.org/a.whl" }', "an address"),
    ],
)
def test_what_uv_takes_from_no_index_is_refused(tmp_path: Path, source: str, place: str) -> None:
    file = tmp_path / "pyproject.toml"
    text = '[project]\ndependencies = ["Shared_Code>=1"]\n[tool.uv.sources]\n'
    file.write_text(f'{text}shared-code = {source}\nother = {{ path = "x" }}\n')
    with pytest.raises(UserError) as refused:
        dependencies.of(HERE, tmp_path)
    assert str(refused.value) == (
        f"{file} has shared-code from {place} ([tool.uv.sources]), and Dagnix installs packages of "
        "an index alone: publish it in yours, or put its code beside the project's own and take it "
        "out of the dependencies."
    )
    file.write_text(f'{text}shared-code = {{ index = "own" }}\n')
    assert "Shared_Code>=1" in dependencies.of(HERE, tmp_path).requirements
