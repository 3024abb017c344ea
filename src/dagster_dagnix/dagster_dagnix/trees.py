"""Folders below one that others write to: what is done there follows no link of theirs."""

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_FOLDER = os.O_RDONLY | os.O_DIRECTORY


@contextmanager
def opened(root: Path, *names: str) -> Iterator[int]:
    """Open a folder below `root`, as a descriptor.

    Raises OSError when it is not there or behind a link, and ValueError for a name that is a path.
    """
    folder = os.open(root, _FOLDER)
    try:
        for name in names:
            inner = os.open(_plain(name), _FOLDER | os.O_NOFOLLOW, dir_fd=folder)
            os.close(folder)
            folder = inner
        yield folder
    finally:
        os.close(folder)


def remove(root: Path, *names: str) -> None:
    """Remove a file, link or folder below `root` with all that is in it, if it is there.

    Raises ValueError for a name that is a path.
    """
    *folders, last = map(_plain, names)
    with suppress(OSError), opened(root, *folders) as folder:
        remove_in(folder, last)


def remove_in(folder: int, name: str) -> None:
    """Remove what has a name in an open folder, as far as it can be removed."""
    with suppress(OSError):  # gone meanwhile, or somebody else's
        if is_folder(folder, name):
            shutil.rmtree(name, ignore_errors=True, dir_fd=folder)
        else:
            os.unlink(name, dir_fd=folder)


def is_folder(folder: int, name: str) -> bool:
    """Tell whether what has a name in an open folder is a folder, and no link. Raises OSError."""
    return stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)


def room(folder: Path) -> int:
    """Return how many bytes of the disk a folder or file takes; 0 if it is not there."""
    taken = 0
    left = [folder]
    while left:
        with suppress(OSError):  # it has gone meanwhile
            path = left.pop()
            taken += path.lstat().st_blocks * 512
            if path.is_dir() and not path.is_symlink():
                with os.scandir(path) as entries:
                    left.extend(Path(entry) for entry in entries)
    return taken


def _plain(name: str) -> str:
    if name in ("", ".", "..") or "/" in name:
        raise ValueError(f"{name!r} is no name of something in a folder")
    return name
