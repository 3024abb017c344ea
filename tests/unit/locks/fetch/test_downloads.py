"""Files that clients are still at work on."""

import hashlib
from pathlib import Path

import pytest

from dagnix.locks.fetch import downloads
from dagnix.locks.fetch.downloads import Downloads
from dagnix.locks.fetch.progress import Progress
from dagnix.locks.inputs import LockedFile

CONTENT = b"a wheel"
WHEEL = LockedFile(
    kind="python",
    package="tool",
    version="1.0",
    file="tool-1.0-py3-none-any.whl",
    size=len(CONTENT),
    sha256=hashlib.sha256(CONTENT).hexdigest(),
    system="x86_64-linux",
)


@pytest.fixture
def arriving(tmp_path: Path) -> Downloads:
    return Downloads(tmp_path / "downloads", [WHEEL], Progress(1, WHEEL.size))


@pytest.fixture
def found(tmp_path: Path) -> Path:
    path = tmp_path / WHEEL.file
    path.write_bytes(CONTENT)
    return path


def test_finished_file_is_kept(arriving: Downloads, found: Path) -> None:
    assert arriving.keep(WHEEL, found)
    assert arriving.target(WHEEL).read_bytes() == CONTENT
    assert arriving.open() == []


@pytest.mark.parametrize("content", [CONTENT[:-1], CONTENT.upper()], ids=["part", "other"])
def test_what_is_not_the_locked_file_stays(
    arriving: Downloads, found: Path, content: bytes
) -> None:
    found.write_bytes(content)
    assert not arriving.keep(WHEEL, found)
    assert list(arriving.directory.iterdir()) == []
    assert found.read_bytes() == content


def test_client_moves_a_file_while_it_is_looked_at(
    arriving: Downloads, found: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = [(found, WHEEL.size)]
    found.unlink()
    monkeypatch.setattr(downloads, "_sizes", lambda _folders: seen)
    arriving.wait([])
    assert arriving.open() == [WHEEL]
