"""Go modules, with a go that a test plays."""

import io
import stat
import tarfile
from pathlib import Path

import pytest

from dagnix import UserError
from dagnix.locks.fetch import golang
from dagnix.process import CommandError, Result


@pytest.fixture
def module(tmp_path: Path) -> Path:
    folder = tmp_path / "tools"
    folder.mkdir()
    for name in ("go.mod", "go.sum", "tools.go"):
        (folder / name).write_text(f"{name} of the test\n")
    (folder / ".git").mkdir()
    return folder


def _vendors(directory: Path, *arguments: str) -> str:
    assert arguments == ("mod", "vendor")
    assert not (directory / ".git").exists()
    (directory / "vendor").mkdir()
    (directory / "vendor" / "modules.txt").write_text("# none\n")
    return ""


def test_directory_holds_module_files_and_vendored_modules(module: Path, tmp_path: Path) -> None:
    made = tmp_path / "tools-vendor"
    golang.make(_vendors, module, made)
    assert sorted(path.name for path in made.iterdir()) == [
        "go.mod",
        "go.sum",
        "tools.go",
        "vendor",
    ]
    assert not (module / "vendor").exists()


def test_go_can_write_beside_the_files_of_a_dagnix_in_the_store(
    module: Path, tmp_path: Path
) -> None:
    (module / "internal").mkdir()
    read_only = (module / "go.mod", module / "internal", module)
    for path in read_only:
        path.chmod(0o555)

    def writes(directory: Path, *arguments: str) -> str:
        for path in (directory, directory / "go.mod", directory / "internal"):
            assert path.stat().st_mode & stat.S_IWUSR
        return _vendors(directory, *arguments)

    golang.make(writes, module, tmp_path / "tools-vendor")
    for path in read_only:
        path.chmod(0o755)


def test_module_files_that_go_would_change_are_refused(module: Path, tmp_path: Path) -> None:
    def changes(directory: Path, *arguments: str) -> str:
        (directory / "go.sum").write_text("more\n")
        return _vendors(directory, *arguments)

    with pytest.raises(UserError, match=r"go.sum is not up to date: run ./dagnix lock go"):
        golang.make(changes, module, tmp_path / "tools-vendor")


def test_modules_that_cannot_be_had(module: Path, tmp_path: Path) -> None:
    def fails(_directory: Path, *_arguments: str) -> str:
        failed = Result(("go",), 1, errors="go: example.invalid/x@v1: no such host")
        raise CommandError("go failed", failed)

    with pytest.raises(UserError, match=r"no such host\): check the network"):
        golang.make(fails, module, tmp_path / "tools-vendor")


def test_tar_from_elsewhere_writes_nothing_outside_its_directory(tmp_path: Path) -> None:
    tar = tmp_path / "evil.tar"
    with tarfile.open(tar, "w") as archive:
        for name in ("../outside", "/tmp/outside", "inside"):  # noqa: S108 - must not be written
            entry = tarfile.TarInfo(name)
            entry.size = 4
            archive.addfile(entry, io.BytesIO(b"text"))
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc"
        archive.addfile(link)
    directory = tmp_path / "directory"
    directory.mkdir()
    golang.unpack(tar, directory)
    assert [path.name for path in directory.iterdir()] == ["inside"]
    assert not (tmp_path / "outside").exists()
