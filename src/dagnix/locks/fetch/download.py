"""Locked files into the store: one's own folder first, then the mirrors, each file verified."""

import functools
import shutil
import sys
import urllib.parse
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from dagnix import UserError
from dagnix.checkout import Checkout
from dagnix.locks import mirrors, sources, store
from dagnix.locks.command import NO_SPACE, last_error
from dagnix.locks.fetch import apt_helper, own, snapshots, wheels
from dagnix.locks.fetch.client import Client
from dagnix.locks.fetch.downloads import Downloads
from dagnix.locks.fetch.progress import Progress
from dagnix.locks.inputs import LockedFile, named


class AbsentError(UserError):
    """The Debian mirrors answer, and do not have `files`."""

    def __init__(self, files: Iterable[LockedFile]) -> None:
        self.files = tuple(files)
        super().__init__(
            f"The Debian mirror does not have {named(self.files)}: run ./dagnix lock debian."
        )


@dataclass
class Trouble:
    """What a round of downloads has not got, and a second one may."""

    absent: list[LockedFile] = field(default_factory=list)
    corrupt: list[LockedFile] = field(default_factory=list)


def files(checkout: Checkout, desired: Iterable[LockedFile]) -> None:
    """Download those files into the store that are not there yet.

    What has arrived stays, also when the rest fails or is interrupted.
    Raises GoneError, or UserError for all else that keeps a file from coming.
    """
    by_path = {file.store_path: file for file in desired}
    away = [by_path[path] for path in sorted(store.missing(by_path))]
    if not away:
        return
    progress = Progress(len(away), sum(file.size for file in away))
    downloads = Downloads(checkout.downloads, away, progress)
    scratch = checkout.downloads / "clients"
    scratch.mkdir(exist_ok=True)
    try:
        own.download(downloads, scratch)
        downloads.check_space()
        _from_mirrors(checkout, downloads, scratch)
    finally:
        downloads.into_store()
        shutil.rmtree(scratch, ignore_errors=True)


def sizes(checkout: Checkout, desired: Iterable[LockedFile]) -> dict[LockedFile, int]:
    """Return the sizes (bytes) of wheels that no lock has yet; they are kept for the next fetch."""
    missing = tuple(desired)
    scratch = checkout.downloads / "clients"
    scratch.mkdir(parents=True, exist_ok=True)
    # Nothing can be said of how far it is: sizes are what is asked for.
    downloads = Downloads(checkout.downloads, (), Progress(len(missing), 0))
    pips = wheels.start(missing, scratch)
    downloads.wait([pip.client for pip in pips], [pip.folder for pip in pips])
    _check_disk([pip.client for pip in pips], checkout.downloads)
    found = {}
    for pip in pips:
        for file in pip.files:
            wheel = pip.folder / "wheels" / file.file
            if not wheel.exists():
                raise UserError(
                    f"{file.file} cannot be had from the Python index "
                    f"({last_error(pip.client.output)}): try again."
                )
            found[file] = wheel.stat().st_size
            wheel.replace(downloads.target(file))
    shutil.rmtree(scratch)
    return found


def _from_mirrors(checkout: Checkout, downloads: Downloads, scratch: Path) -> None:
    find = functools.cache(lambda: mirrors.find(checkout.state / "apt" / "host"))

    own = functools.cache(lambda: sources.read(checkout.root))

    def base(archive: str) -> str:
        if archive in sources.DEBIANS_OWN:
            return find().base(archive)
        if archive not in own():
            raise UserError(
                f"nix/locks/debian.json has packages from {sources.FOLDER}/{archive}.sources, "
                "which is not there: take it from git, or run ./dagnix lock debian."
            )
        return own()[archive].uri

    trouble = _round(downloads, base, scratch)
    if trouble.corrupt:
        names = ", ".join(file.name for file in trouble.corrupt)
        print(f"{names}: not the locked file, trying once more", file=sys.stderr)
        trouble = _round(downloads, base, scratch)
    if trouble.corrupt:
        raise UserError(
            f"{trouble.corrupt[0].name}: hash mismatch, twice: a mirror, an index or a proxy "
            "on the way serves another file than the locked one; use another one."
        )
    kept = [file for file in trouble.absent if file.archive in sources.DEBIANS_OWN]
    if kept:
        _from_snapshots(downloads, kept, scratch)
    still = [file for file in trouble.absent if not downloads.has(file)]
    if still:
        raise AbsentError(still)


def _from_snapshots(downloads: Downloads, absent: list[LockedFile], scratch: Path) -> None:
    """Ask the snapshot service, if there is one, for files of Debian's."""
    for snapshot in sorted({file.snapshot for file in absent}):
        older = snapshots.service(snapshot)
        if not older:
            return
        theirs = [file for file in absent if file.snapshot == snapshot]
        client = apt_helper.start(_debs(downloads, theirs, older), scratch / "snapshots", tries=1)
        downloads.wait([client])


def _round(downloads: Downloads, base: Callable[[str], str], scratch: Path) -> Trouble:
    """Ask every client for what is still to come, all at the same time."""
    desired = downloads.open()
    debs = [file for file in desired if file.kind == "debian"]
    clients: list[Client] = []
    pips: list[wheels.Pip] = []
    try:
        apt = apt_helper.start(_debs(downloads, debs, base), scratch / "apt") if debs else None
        clients += [apt] if apt else []
        pips += wheels.start([file for file in desired if file.kind == "python"], scratch)
        clients += [pip.client for pip in pips]
    finally:
        downloads.wait(clients, [pip.folder for pip in pips])
    _check_disk(clients, downloads.directory)
    trouble = Trouble()
    if apt:
        _read_apt(downloads, debs, apt.output, base, trouble)
    for pip in pips:
        _read_pip(downloads, pip, trouble)
    return trouble


def _debs(
    downloads: Downloads, files: Iterable[LockedFile], base: Callable[[str], str]
) -> list[apt_helper.Download]:
    return [
        apt_helper.Download(_url(file, base), downloads.target(file), file.sha256) for file in files
    ]


def _url(file: LockedFile, base: Callable[[str], str]) -> str:
    return f"{base(file.archive)}/{file.path}"


def _check_disk(clients: Iterable[Client], directory: Path) -> None:
    if any(NO_SPACE in client.output for client in clients):
        raise UserError(
            f"There is no space left on the disk of {directory}: "
            "free some, then run the same again; what has arrived is kept."
        )


def _read_apt(
    downloads: Downloads,
    debs: Iterable[LockedFile],
    output: str,
    base: Callable[[str], str],
    trouble: Trouble,
) -> None:
    reasons = apt_helper.failures(output)
    for file in debs:
        if downloads.has(file):
            continue
        reason = reasons.get(urllib.parse.unquote(_url(file, base)), "")
        if apt_helper.is_absent(reason):
            trouble.absent.append(file)
        elif apt_helper.is_corrupt(reason) or not reasons:
            trouble.corrupt.append(file)
        else:
            own = file.archive not in sources.DEBIANS_OWN
            place = f"{sources.FOLDER}/{file.archive}.sources" if own else "the Debian mirror"
            raise UserError(
                f"{file.name} cannot be had from {place} "
                f"({reason or last_error(output)}): check the network, or try again later."
            )


def _read_pip(downloads: Downloads, pip: wheels.Pip, trouble: Trouble) -> None:
    lost = [file for file in pip.files if not downloads.has(file)]
    if not lost:
        return
    output = pip.client.output
    absent = wheels.not_in_index(output)
    if wheels.is_corrupt(output):
        trouble.corrupt += wheels.named_corrupt(output, lost)
    elif absent:
        raise UserError(
            f"The Python index does not have {absent} as it is locked: "
            "run ./dagnix lock python, or set DAGNIX_FILES to a folder that has it."
        )
    else:
        raise UserError(
            f"{lost[0].name} cannot be had from the Python index ({last_error(output)}): "
            "check the network and `pip config list`, or try again later."
        )
