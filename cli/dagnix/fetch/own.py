"""A folder or URL of one's own, looked in before anything else: it keeps old commits buildable."""

import os
import shutil
import sys
import urllib.parse
from pathlib import Path

from dagnix import UserError
from dagnix.fetch import debian
from dagnix.fetch.downloads import Downloads
from dagnix.fetch.http import download

OWN = "DAGNIX_FILES"


def location() -> str:
    """Return the folder or URL, without a slash at the end; "" if there is none."""
    return os.environ.get(OWN, "").rstrip("/")


def bring(downloads: Downloads, scratch: Path) -> None:
    """Take what is there; what is not, or is another file, the mirrors are asked for.

    Raises UserError if the folder itself is not there.
    """
    where = location()
    wanted = downloads.open() if where else []
    if not wanted:
        return
    folder = _folder(where)
    if folder:
        for file in wanted:
            _copy(folder / file.name, downloads.target(file))
    else:
        urls = [(f"{where}/{urllib.parse.quote(file.name)}", file) for file in wanted]
        client = debian.start_plain(downloads, urls, scratch / "own")
        downloads.wait([client])
        _complain(debian.failures(client.output))
    wrong = [
        file.name for file in wanted if downloads.target(file).exists() and not downloads.has(file)
    ]
    if wrong:
        print(
            f"{', '.join(wrong)} in {OWN} is not the locked file: taken from elsewhere.",
            file=sys.stderr,
        )


def bring_one(name: str, target: Path) -> bool:
    """Take one file, which the caller verifies; return whether it is there."""
    where = location()
    if not where:
        return False
    folder = _folder(where)
    if folder:
        return _copy(folder / name, target)
    try:
        download(f"{where}/{urllib.parse.quote(name)}", target)
    except OSError:
        return False
    return True


def _folder(where: str) -> Path | None:
    if "://" in where:
        return None
    folder = Path(where)
    if not folder.is_dir():
        raise UserError(f"{OWN} names {where}, which is neither a folder nor a URL.")
    return folder


def _copy(source: Path, target: Path) -> bool:
    if not source.is_file():
        return False
    shutil.copyfile(source, target)
    return True


def _complain(failures: dict[str, str]) -> None:
    other = {reason for reason in failures.values() if not debian.is_gone(reason)}
    if other:
        print(
            f"{OWN} does not answer ({min(other)}): files are taken from elsewhere.",
            file=sys.stderr,
        )
