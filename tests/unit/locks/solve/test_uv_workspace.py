"""Which lock a project has that is a member of a uv workspace, or is none."""

from pathlib import Path

import pytest

from dagnix import UserError
from dagnix.checkout import Checkout
from dagnix.locks.solve import project_lock
from dagnix.locks.solve.dependencies import Dependencies

PROJECT = Dependencies(Path("pyproject.toml"), (), (), "")


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A checkout in a folder of a repository, which is a workspace with a lock."""
    (tmp_path / ".git").mkdir()
    root = tmp_path / "deploy"
    (root / "teams" / "marketing").mkdir(parents=True)
    (root / "teams" / "marketing" / "pyproject.toml").write_text("[project]\n")
    (tmp_path / "uv.lock").touch()
    return Checkout(root, root)


def lock_of(checkout: Checkout, members: str) -> Path | None:
    """Return the lock for the team if the repository is a workspace with these members."""
    (checkout.root.parent / "pyproject.toml").write_text(f"[tool.uv.workspace]\n{members}\n")
    folder = checkout.root / "teams" / "marketing"
    found = project_lock.find(checkout, folder, "marketing", PROJECT)
    return found.file if found else None


@pytest.mark.parametrize(
    "members",
    ['members = ["deploy/teams/*"]', 'members = ["x", "**/marketing/"]\nexclude = ["deploy"]'],
)
def test_a_member_has_that_of_the_workspace(checkout: Checkout, members: str) -> None:
    assert lock_of(checkout, members) == checkout.root.parent / "uv.lock"
    # As uv does, even beside one of its own.
    (checkout.root / "teams" / "marketing" / "uv.lock").touch()
    assert lock_of(checkout, members) == checkout.root.parent / "uv.lock"


@pytest.mark.parametrize(
    "members",
    ['members = ["marketing"]', 'members = ["deploy/teams/*"]\nexclude = ["deploy/teams/m*"]', ""],
)
def test_others_have_their_own(checkout: Checkout, members: str) -> None:
    assert lock_of(checkout, members) is None
    own = checkout.root / "teams" / "marketing" / "uv.lock"
    own.touch()
    assert lock_of(checkout, members) == own


def test_the_nearest_workspace_decides(checkout: Checkout) -> None:
    (checkout.root / "pyproject.toml").write_text('[tool.uv.workspace]\nmembers = ["teams/*"]\n')
    (checkout.root / "uv.lock").touch()
    assert lock_of(checkout, 'members = ["deploy/teams/*"]') == checkout.root / "uv.lock"


def test_no_workspace_is_looked_for_outside_of_the_repository(checkout: Checkout) -> None:
    (checkout.root / ".git").touch()  # as a submodule has it
    assert lock_of(checkout, 'members = ["deploy/teams/*"]') is None
    (checkout.root / ".git").unlink()
    (checkout.root.parent / ".git").rmdir()
    assert lock_of(checkout, 'members = ["deploy/teams/*"]') is None


def test_one_that_cannot_be_read_is_named(checkout: Checkout) -> None:
    with pytest.raises(UserError, match=r"pyproject.toml: its \[tool.uv.workspace\] cannot be"):
        lock_of(checkout, 'members = ["/deploy"]')
    with pytest.raises(UserError, match=r"pyproject.toml cannot be read: "):
        lock_of(checkout, "members = [")
