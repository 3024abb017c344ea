import os
import tarfile
from pathlib import Path

import oci_archive


def layout(folder: Path) -> Path:
    """Make a small layout, whose layer blob is a link as in the store."""
    (folder / "layout" / "blobs").mkdir(parents=True)
    (folder / "layer.tar").write_bytes(b"a layer")
    (folder / "layout" / "blobs" / "abc").symlink_to(folder / "layer.tar")
    (folder / "layout" / "index.json").write_text("{}")
    return folder / "layout"


def test_links_become_files(tmp_path: Path) -> None:
    oci_archive.write_archive(layout(tmp_path), tmp_path / "out.tar")
    with tarfile.open(tmp_path / "out.tar") as archive:
        assert archive.getnames() == ["blobs", "blobs/abc", "index.json"]
        member = archive.getmember("blobs/abc")
        assert member.isreg()
        blob = archive.extractfile(member)
        assert blob is not None
        assert blob.read() == b"a layer"


def test_times_and_modes_of_the_files_do_not_matter(tmp_path: Path) -> None:
    folder = layout(tmp_path)
    oci_archive.write_archive(folder, tmp_path / "first.tar")
    os.utime(folder / "index.json", (1, 1))
    (folder / "index.json").chmod(0o600)
    oci_archive.write_archive(folder, tmp_path / "second.tar")
    assert (tmp_path / "first.tar").read_bytes() == (tmp_path / "second.tar").read_bytes()


def test_equal_files_with_one_inode_do_not_become_hard_links(tmp_path: Path) -> None:
    folder = layout(tmp_path)
    os.link(folder / "index.json", folder / "oci-layout")
    oci_archive.write_archive(folder, tmp_path / "out.tar")
    with tarfile.open(tmp_path / "out.tar") as archive:
        assert all(not member.islnk() for member in archive.getmembers())
