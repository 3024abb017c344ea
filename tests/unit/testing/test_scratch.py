"""Copies of the checkout, for measurements and tests."""

from pathlib import Path

from dagnix.testing.scratch import copy_files


def test_links_are_copied_as_links_and_what_is_gone_is_not(tmp_path: Path) -> None:
    root, folder = tmp_path / "root", tmp_path / "copy"
    (root / "a" / "folder").mkdir(parents=True)
    (root / "a" / "folder" / "file").write_text("text")
    (root / "a" / "link").symlink_to("folder")
    copy_files(root, folder, ["a/folder/file", "a/link", "gone"])
    assert (folder / "a" / "link").readlink() == Path("folder")
    assert (folder / "a" / "link" / "file").read_text() == "text"
    assert sorted(each.name for each in folder.iterdir()) == ["a"]
