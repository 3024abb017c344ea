import stat
from pathlib import Path

import pytest

from dagnix.access import secret_files


def test_writes_random_passwords_that_only_the_owner_can_reach(tmp_path: Path) -> None:
    folder = tmp_path / "state" / "secrets"
    assert secret_files.ensure(folder)
    files = [folder / name for name in secret_files.NAMES]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o444}
    passwords = {path.read_text() for path in files}
    assert len(passwords) == len(files)
    assert all(len(password.strip()) >= 32 for password in passwords)


def test_leaves_given_passwords_alone(tmp_path: Path) -> None:
    (tmp_path / "dagster-password").write_text("mine")
    assert secret_files.ensure(tmp_path)
    assert (tmp_path / "dagster-password").read_text() == "mine"
    assert (tmp_path / "storage-password").is_file()
    assert len(list(tmp_path.iterdir())) == 2
    assert not secret_files.ensure(tmp_path)


def test_each_code_location_has_a_password_of_its_own(tmp_path: Path) -> None:
    assert secret_files.ensure_locations(tmp_path, ["a", "b"]) == {"a", "b"}
    assert secret_files.ensure_locations(tmp_path, ["b", "c"]) == {"c"}
    files = [tmp_path / "storage" / name for name in "abc"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o444}
    assert len({path.read_text() for path in files}) == len(files)
    # Mounted into Postgres's container, whose user is another one; the folder around it is closed.
    assert stat.S_IMODE((tmp_path / "storage").stat().st_mode) == 0o755
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700


def test_a_folder_that_is_open_to_others_is_closed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tmp_path.chmod(0o755)
    secret_files.ensure(tmp_path)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700
    assert "was open to other users" in capsys.readouterr().err
