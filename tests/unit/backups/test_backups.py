"""Backups on the host: what is in the archive, and what is refused before anything is changed."""

import contextlib
import fcntl
import hashlib
import io
import json
import os
import stat
import subprocess
import sys
import time
import zipfile
from collections import namedtuple
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import pytest

from dagnix import UserError, project
from dagnix.backups import archive, restore, service
from dagnix.backups import take as taking
from dagnix.backups.folder import ensure_folder
from dagnix.backups.take import take

Program = Callable[[str, str], Path]
SOURCES = Path(__file__).parents[3] / "src"
MANIFEST = {
    "format": 1,
    "instance": "dagnix",
    "cluster": "123",
    "postgres": "17.6",
    "made": "2026-01-02T03:04:05Z",
    "volumes": ["pipes-data"],
}
FOUND = archive.Manifest.of(MANIFEST)
CONTENT = {"database.dump": b"dump", "files/pipes-data.tar.gz": b"files"}


def packed(content: dict[str, bytes], sums: str | None = None, **manifest: object) -> bytes:
    """Return an archive, as the runtime writes them."""
    content = {**content, "manifest.json": json.dumps({**MANIFEST, **manifest}).encode()}
    right = (f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in content.items())
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as opened:
        for name, data in content.items():
            opened.writestr(name, data)
        opened.writestr("SHA256SUMS", "".join(right) if sums is None else sums)
    return file.getvalue()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "backup.zip"
    path.write_bytes(packed(CONTENT))
    return path


def test_an_archive_is_read(file: Path) -> None:
    found = archive.read(file)
    assert found.manifest == FOUND
    assert b"".join(found.chunks("database.dump")) == b"dump"


def test_no_byte_can_change_unseen(file: Path) -> None:
    whole = file.read_bytes()
    refused = 0
    for place in range(len(whole)):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 0x5A]) + whole[place + 1 :])
        try:
            found = archive.read(file)
        except UserError:
            refused += 1
        else:  # a date, say
            assert found.manifest == FOUND
            assert {name: b"".join(found.chunks(name)) for name in CONTENT} == CONTENT
    assert refused > len(whole) / 2


def test_what_is_not_whole_is_refused(file: Path) -> None:
    whole = file.read_bytes()
    for wrong, says in (
        (whole[:-1], "is no whole backup"),
        (b"", "is no whole backup"),
        (packed(CONTENT, sums=""), "is not whole: database.dump, files/"),
        (packed({}, sums=f"{'0' * 64}  manifest.json\n"), "is damaged: manifest.json is not what"),
        (packed(CONTENT, sums="nonsense\n"), "is no backup of Dagnix's"),
        (packed(CONTENT, format=2), "A newer Dagnix has made this backup"),
    ):
        file.write_bytes(wrong)
        with pytest.raises(UserError, match=says):
            archive.read(file)
    with pytest.raises(UserError, match="There is no file"):
        archive.read(file.with_name("none.zip"))


def test_another_instances_backup_is_refused() -> None:
    restore.require_own(FOUND, replace(FOUND, made="later", postgres="18"))
    with pytest.raises(UserError, match="a backup of dagnix, and this is prod"):
        restore.require_own(FOUND, replace(FOUND, instance="prod"))
    with pytest.raises(UserError, match="a dagnix with another database: on another host"):
        restore.require_own(FOUND, replace(FOUND, cluster="124"))


def test_files_that_have_no_place_are_refused() -> None:
    restore.require_volumes(FOUND, replace(FOUND, volumes=("more", "pipes-data")))
    with pytest.raises(UserError, match="has files of pipes-data, which the service backup"):
        restore.require_volumes(FOUND, replace(FOUND, volumes=("more",)))


@pytest.fixture
def backed_up(
    checkout: Path, program: Program, monkeypatch: pytest.MonkeyPatch, file: Path
) -> Callable[[str], project.Project]:
    """Has podman run a command as the service's `backup`."""

    def give(command: str) -> project.Project:
        program(
            "podman",
            f"""case "$*" in
*" backup") {command} ;;
*" kept") cat {checkout}/kept 2>/dev/null || true ;;
*) echo "$*" >>{checkout}/calls ;;
esac""",
        )
        return project.current()

    for module in (service, taking):
        monkeypatch.setattr(module, "settings", dict)
    monkeypatch.setattr("dagnix.host.podman.settings", dict)
    monkeypatch.setattr(service, "container", lambda _: "it")
    assert file.is_file()
    return give


def calls(here: project.Project) -> list[str]:
    path = here.root / "calls"
    return path.read_text().splitlines() if path.exists() else []


def test_a_backup_is_its_owners_and_lets_go_what_was_kept(
    backed_up: Callable[[str], project.Project], file: Path, tmp_path: Path
) -> None:
    here = backed_up(f"cat {file}")
    (tmp_path / "to").mkdir()
    for name, age in (("old", 90_000), ("under-way", 60)):
        left = tmp_path / "to" / f"dagnix-{name}.partial"
        left.touch()
        os.utime(left, (time.time() - age,) * 2)
    made = take(here), take(here, tmp_path / "to")
    assert [path.parent for path in made] == [here.root / ".dagnix" / "backups", tmp_path / "to"]
    for path in made:
        assert path.name.startswith("dagnix-20")
        assert path.read_bytes() == file.read_bytes()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert calls(here) == ["exec it /opt/dagster/bin/runtime forget"] * 2
    left = [path.name for path in (tmp_path / "to").glob("*.partial")]
    assert left == ["dagnix-under-way.partial"]


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("head -c 99 {file}; echo no space >&2; exit 1", "could be made, and nothing was changed"),
        ("head -c 99 {file}", "is no whole backup"),
    ],
)
def test_half_a_backup_has_no_name(
    backed_up: Callable[[str], project.Project], file: Path, command: str, says: str
) -> None:
    here = backed_up(command.format(file=file))
    with pytest.raises(UserError, match=says):
        take(here)
    assert [path.name for path in here.backups.iterdir()] == ["scheduled"]
    assert calls(here) == []


def test_a_full_disk_is_named(
    backed_up: Callable[[str], project.Project], file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = backed_up(f"head -c 99 {file}")
    usage = namedtuple("usage", "free")  # noqa: PYI024 - as shutil's
    monkeypatch.setattr(taking.shutil, "disk_usage", lambda _: usage(free=0))
    with pytest.raises(UserError, match=rf"the disk of {here.backups} is full\.$"):
        take(here)


def test_a_folder_that_cannot_be_made_is_named(
    backed_up: Callable[[str], project.Project], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    here = backed_up("true")
    with pytest.raises(UserError, match=r"cannot be written: Not a directory"):
        take(here, tmp_path / "file" / "to")


def test_the_folder_is_the_owners_and_in_it_one_is_open(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = ensure_folder(project.current())
    assert folder == checkout / ".dagnix" / "backups"
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (folder, folder / "scheduled")]
    assert modes == [0o700, 0o777]
    folder.chmod(0o755)
    capsys.readouterr()
    ensure_folder(project.current())
    assert f"`chmod 700 {folder}` closes it" in capsys.readouterr().err.replace("\n", "")


def test_what_is_kept_is_not_replaced(backed_up: Callable[[str], project.Project]) -> None:
    here = backed_up("true")
    restore.require_none_left(here, "it")
    (here.root / "kept").write_text("kept\n")
    with pytest.raises(UserError, match="What the last restore has replaced is still kept"):
        restore.require_none_left(here, "it")


@pytest.mark.parametrize(("interrupted", "steps"), [("undo", 2), ("exchange", 1)])
def test_a_restore_that_was_cut_off_is_finished(
    backed_up: Callable[[str], project.Project],
    monkeypatch: pytest.MonkeyPatch,
    interrupted: str,
    steps: int,
) -> None:
    here = backed_up("true")
    started: list[str] = []
    given = Mock()
    monkeypatch.setattr(restore.roles, "apply", given)
    monkeypatch.setattr(restore.compose, "compose", lambda _, *words, **__: started.extend(words))
    monkeypatch.setattr(restore.containers, "containers", lambda _: [])
    restore.finish(here)
    assert calls(here) == started == []
    marker = here.state / "restores" / "dagnix"
    marker.parent.mkdir(parents=True)
    marker.write_text(interrupted)
    restore.finish(here)
    last = ["undo", "exchange"][-steps:]
    assert calls(here) == [f"exec it /opt/dagster/bin/runtime restore {step}" for step in last]
    assert started[-2:] == ["backup", "postgres"]
    given.assert_called_once_with(here)  # code locations may be newer than the backup
    assert not marker.exists()


def dagnix(*words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "dagnix", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(SOURCES)},
    )


@pytest.mark.parametrize("words", [["down"], ["restart", "daemon"], ["restore", "--undo"]])
def test_who_changes_what_runs_waits_for_others(
    checkout: Path, program: Program, words: list[str]
) -> None:
    program("podman", "echo podman version 4.3.1")
    lock = checkout / ".dagnix" / "deploys" / "dagnix" / "lock"
    lock.parent.mkdir(parents=True)
    with lock.open("w") as held, contextlib.ExitStack() as stack:
        fcntl.flock(held, fcntl.LOCK_EX)
        command = stack.enter_context(dagnix(*words))
        stack.callback(command.kill)
        assert command.stderr
        line = command.stderr.readline()
        assert "Another command changes what dagnix runs: waiting for it" in line
        assert command.poll() is None


@pytest.mark.usefixtures("checkout")
def test_data_is_not_deleted_unasked(program: Program) -> None:
    program("podman", "echo podman version 4.3.1")
    with dagnix("down", "--volumes") as command:
        _, errors = command.communicate()
    assert command.returncode == 1
    assert errors == (
        "dagnix: Delete all data of dagnix? Give --yes to do it without being asked.\n"
    )
