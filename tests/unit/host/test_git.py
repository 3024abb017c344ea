"""What `location add` changes, and takes back when it fails."""

import subprocess
from pathlib import Path

import pytest

from dagnix.host.git import make_known, restored_on_failure


def git(root: Path, *words: str) -> str:
    command = ["git", "-C", root, "-c", "user.name=t", "-c", "user.email=t@localhost", *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def root(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet")
    (tmp_path / "debian.json").write_text("before")
    (tmp_path / "staged").touch()
    git(tmp_path, "add", "--all")
    return tmp_path


def test_a_failure_leaves_files_and_index_as_they_were(root: Path) -> None:
    lock = root / "locks" / "new.json"
    before = git(root, "status", "--porcelain")

    def fail() -> None:
        lock.parent.mkdir()
        lock.write_text("new")
        (root / "debian.json").write_text("after")
        (root / "code [1] ü.py").touch()
        make_known(root, ["locks/new.json", "code [1] ü.py"])
        assert "new.json" in git(root, "ls-files")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), restored_on_failure(root, [lock, root / "debian.json"]):
        fail()
    assert (root / "debian.json").read_text() == "before"
    assert not lock.parent.exists()
    (root / "code [1] ü.py").unlink()
    assert git(root, "status", "--porcelain") == before


def test_success_leaves_what_was_done(root: Path) -> None:
    with restored_on_failure(root, [root / "debian.json"]):
        (root / "debian.json").write_text("after")
        (root / "code.py").touch()
        make_known(root, ["code.py"])
    assert (root / "debian.json").read_text() == "after"
    assert "code.py" in git(root, "ls-files")
