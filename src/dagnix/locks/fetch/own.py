"""A folder or URL of one's own, looked in before anything else: it keeps old commits buildable."""

import os
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

from dagnix import UserError
from dagnix.locks.fetch import apt_helper
from dagnix.locks.fetch.downloads import Downloads

OWN = "DAGNIX_FILES"


def location() -> str:
    """Return the folder or URL, without a slash at the end; "" if there is none."""
    return os.environ.get(OWN, "").rstrip("/")


def download(downloads: Downloads, scratch: Path) -> None:
    """Take what is there; what is not, or is another file, the mirrors are asked for.

    Raises UserError if the folder itself is not there.
    """
    where = location()
    desired = downloads.open() if where else []
    if not desired:
        return
    folder = _folder(where)
    if folder:
        for file in desired:
            _copy(folder / file.name, downloads.target(file))
        wrong = [
            file.name
            for file in desired
            if downloads.target(file).exists() and not downloads.has(file)
        ]
    else:
        urls = {f"{where}/{file.name}": file for file in desired}
        client = apt_helper.start(
            [
                apt_helper.Download(url, downloads.target(file), file.sha256)
                for url, file in urls.items()
            ],
            scratch / "own",
        )
        downloads.wait([client])
        failures = apt_helper.failures(client.output)
        wrong = [urls[url].name for url in urls if apt_helper.is_corrupt(failures.get(url, ""))]
        _complain(failures.values())
    if wrong:
        print(
            f"{', '.join(wrong)} in {OWN} is not the locked file: taken from elsewhere.",
            file=sys.stderr,
        )


def download_one(name: str, target: Path) -> bool:
    """Take one file, which the caller verifies; return whether it is there."""
    where = location()
    if not where:
        return False
    folder = _folder(where)
    if folder:
        return _copy(folder / name, target)
    output = target.with_name(f"{name}.output")
    client = apt_helper.start([apt_helper.Download(f"{where}/{name}", target)], output)
    try:
        return client.wait() and target.exists()
    finally:
        client.stop()


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


def _complain(reasons: Iterable[str]) -> None:
    other = {
        reason
        for reason in reasons
        if not (apt_helper.is_absent(reason) or apt_helper.is_corrupt(reason))
    }
    if other:
        print(
            f"{OWN} does not answer ({min(other)}): files are taken from elsewhere.",
            file=sys.stderr,
        )
