"""Which files `location add` has git know, and of which a build warns."""

import subprocess
from pathlib import Path

import pytest

from dagnix import UserError
from dagnix.images import sources

CODE = {
    "pyproject.toml": '[tool.dagnix]\nexclude = ["data", "one.bin"]\n',
    ".gitignore": "secrets.toml\n*.log\n",
    "code.py": "",
    "sub/.gitignore": "local.json\n",
    "sub/module.py": "",
    "environment/name.py": "",  # only the name is like one
    "ü [1].py": "",
}
NOT_CODE = (
    *(".env", "sub/.env", ".venv/lib/a.py", "own/pyvenv.cfg", "own/lib/b.py"),
    *("__pycache__/c.pyc", "sub/__pycache__/d.pyc", ".pytest_cache/e", ".mypy_cache/f"),
    *(".ruff_cache/g", "node_modules/h/index.js", "secrets.toml", "i.log", "sub/local.json"),
    "sub/secrets.toml",
)


def git(root: Path, *words: str) -> str:
    command = ["git", "-C", root, "-c", "core.quotepath=off", *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def team(tmp_path: Path) -> Path:
    """The folder of a location, with code and much that is none."""
    git(tmp_path, "init", "--quiet")
    folder = tmp_path / "teams" / "a"
    for name, text in {**CODE, **dict.fromkeys(NOT_CODE, "x")}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def test_git_comes_to_know_the_code_and_nothing_else(team: Path, tmp_path: Path) -> None:
    lock = tmp_path / "lock.json"
    lock.touch()
    sources.add(tmp_path, team, [lock])
    expected = {f"teams/a/{name}" for name in CODE} | {"lock.json"}
    assert set(git(tmp_path, "ls-files", "-z").split("\0")) - {""} == expected
    assert sources.unknown(tmp_path, [team]) == []
    assert list(sources.warnings(tmp_path, [team])) == []


def test_what_the_user_has_added_is_code_though_gitignore_names_it(
    team: Path, tmp_path: Path
) -> None:
    git(tmp_path, "add", "--force", team / "secrets.toml")
    sources.add(tmp_path, team, [])
    assert "secrets.toml" in git(tmp_path, "ls-files")
    assert list(sources.warnings(tmp_path, [team])) == []


def test_a_secret_that_git_knows_is_named(team: Path, tmp_path: Path) -> None:
    git(tmp_path, "add", "--force", team / ".env", team / "own" / "lib" / "b.py")
    (sentence,) = sources.warnings(tmp_path, [team])
    assert sentence.startswith(
        "Git knows teams/a/.env, teams/a/own/lib/b.py, so the image has it, as all that git knows"
    )


def test_a_large_file_is_named_unless_it_is_excluded(team: Path, tmp_path: Path) -> None:
    (team / "data").mkdir()
    for name in ("large.bin", "one.bin", "data/two.bin", "small.bin"):
        with (team / name).open("wb") as file:
            file.truncate(sources.LARGE + (name != "small.bin"))
    sources.add(tmp_path, team, [])
    (sentence,) = sources.warnings(tmp_path, [team])
    assert sentence.startswith("teams/a/large.bin goes into a layer of the image, 50 MB")


@pytest.mark.parametrize("cause", ["ignored", "repository"])
def test_a_folder_that_git_does_not_take(team: Path, tmp_path: Path, cause: str) -> None:
    if cause == "ignored":
        (tmp_path / ".gitignore").write_text("/teams/\n")
    else:
        git(team, "init", "--quiet")
    with pytest.raises(UserError, match=r"^Git knows no file in .*teams/a, and Nix"):
        sources.add(tmp_path, team, [])
