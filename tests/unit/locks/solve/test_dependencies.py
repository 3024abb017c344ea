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
        ('{ path = "wheels/shared.whl" }', "a file"),
        ('[{ git = "https://example.org/a", marker = "sys_platform == \'linux\'" }]', "git"),
        ('{ url = "https://example.org/a.whl" }', "an address"),
    ],
)
def test_what_uv_takes_from_no_index_is_refused(tmp_path: Path, source: str, place: str) -> None:
    file = tmp_path / "pyproject.toml"
    text = '[project]\ndependencies = ["Shared_Code>=1"]\n[tool.uv.sources]\n'
    file.write_text(f'{text}shared-code = {source}\nother = {{ path = "x" }}\n')
    with pytest.raises(UserError) as refused:
        dependencies.of(Checkout(tmp_path, ROOT), tmp_path)
    assert str(refused.value) == (
        f"{file} has shared-code from {place} ([tool.uv.sources]), and Dagnix installs packages of "
        "an index alone: publish it in yours, or put its code beside the project's own and take it "
        "out of the dependencies."
    )
    file.write_text(f'{text}shared-code = {{ index = "own" }}\n')
    found = dependencies.of(Checkout(tmp_path, ROOT), tmp_path)
    assert "Shared_Code>=1" in found.requirements
    assert not found.members


@pytest.fixture
def workspace(tmp_path: Path) -> Checkout:
    """A checkout that is a uv workspace with the members `team`, `Shared_Code` and `deeper`."""
    projects = {
        ".": "[tool.uv.workspace]\nmembers = ['team', 'libraries/*']\n"
        "[tool.uv.sources]\ndeeper = { workspace = true }\n",
        "team": "[project]\nname = 'team'\nrequires-python = '>=3.11'\n"
        "dependencies = ['a', 'shared-code[more]>=1', 'deeper']\n"
        "[tool.uv.sources]\nshared-code = { workspace = true }\n",
        "libraries/shared": "[project]\nname = 'Shared_Code'\nrequires-python = '<3.14'\n"
        "dependencies = ['b', 'a', 'deeper']\noptional-dependencies.More = ['c']\n",
        "libraries/deeper": "[project]\nname = 'deeper'\ndependencies = ['d', 'team']\n"
        "[tool.uv.sources]\nteam = { path = '../../team', editable = true }\n",
    }
    for name, text in projects.items():
        (tmp_path / name).mkdir(parents=True, exist_ok=True)
        (tmp_path / name / "pyproject.toml").write_text(text)
    (tmp_path / ".git").mkdir()
    return Checkout(tmp_path, ROOT)


def test_projects_of_the_same_checkout_are_members_and_what_they_need_is_needed(
    workspace: Checkout,
) -> None:
    found = dependencies.of(workspace, workspace.root / "team")
    assert list(found.declared) == ["a", "c", "b", "d"]
    libraries = workspace.root / "libraries"
    assert list(found.members) == [libraries / "shared", libraries / "deeper"]
    assert found.python == ">=3.11,<3.14"


def test_a_member_that_is_not_there_or_outside_of_the_checkout_is_refused(
    workspace: Checkout,
) -> None:
    team = workspace.root / "team"
    (workspace.root / "libraries/shared/pyproject.toml").write_text("[project]\nname = 'other'\n")
    with pytest.raises(UserError, match="shared-code from its uv workspace, which has no such"):
        dependencies.of(workspace, team)
    inside = Checkout(team, ROOT)
    (team / "pyproject.toml").write_text(
        "[project]\ndependencies = ['deeper']\n"
        "[tool.uv.sources]\ndeeper = { path = '../libraries/deeper' }\n"
    )
    with pytest.raises(UserError, match=r"libraries/deeper, which is not inside .*/team: Nix"):
        dependencies.of(inside, team)
