"""An archive of a backup: what it is of, and whether all of it is there."""

import datetime as dt
import hashlib
import json
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from dagnix import UserError

if TYPE_CHECKING:
    from io import BufferedIOBase

FORMAT = 1  # in src/entrypoint/internal/backup/archive.go
MANIFEST = "manifest.json"
SUMS = "SHA256SUMS"
CHUNK_BYTES = 2**20


@dataclass(frozen=True)
class Manifest:
    """What a backup is of. `cluster` is the identifier of the database cluster."""

    instance: str
    cluster: str
    postgres: str
    made: str
    volumes: tuple[str, ...]

    @classmethod
    def of(cls, found: dict[str, Any]) -> "Manifest":
        """Return what the runtime says in JSON. Raises KeyError or TypeError if it is none."""
        if found["format"] != FORMAT:
            raise UserError("A newer Dagnix has made this backup: use that one to restore it.")
        names = ("instance", "cluster", "postgres", "made")
        instance, cluster, postgres, made = (str(found[name]) for name in names)
        return cls(instance, cluster, postgres, made, tuple(found["volumes"] or ()))

    @property
    def when(self) -> str:
        """When it was made, in local time."""
        made = dt.datetime.fromisoformat(self.made).astimezone()
        return made.isoformat(" ", "seconds")


@dataclass(frozen=True)
class Archive:
    """An archive that is whole; `chunks` yields the bytes of a member."""

    file: Path
    manifest: Manifest

    def chunks(self, member: str) -> Iterator[bytes]:
        """Yield what a member holds, piece by piece."""
        with zipfile.ZipFile(self.file) as opened, opened.open(member) as stream:
            while chunk := stream.read(CHUNK_BYTES):
                yield chunk


def read(file: Path, show: Callable[[str], None] = lambda _: None) -> Archive:
    """Read an archive from its first to its last byte, and compare all checksums.

    `show` is told how far it is.

    Raises:
        UserError: it is no backup, or not whole.

    """
    with _required(file), zipfile.ZipFile(file) as opened:
        sums = _sums(opened)
        if names := sums.keys() ^ (set(opened.namelist()) - {SUMS}):
            raise UserError(f"{file} is not whole: {', '.join(sorted(names))} is not in both it "
                            f"and its list {SUMS}.")  # fmt: skip
        for name, digest in sums.items():
            show(f"Reading {name}")
            if _sha256(opened, name) != digest:
                raise UserError(f"{file} is damaged: {name} is not what was backed up.")
        manifest = Manifest.of(json.loads(opened.read(MANIFEST)))
    return Archive(file, manifest)


@contextmanager
def _required(file: Path) -> Iterator[None]:
    """Turn what is wrong with a file into a sentence."""
    try:
        yield
    except FileNotFoundError as error:
        raise UserError(f"There is no file {file}.") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise UserError(f"{file} is no whole backup of Dagnix's: {error}.") from error
    except (KeyError, ValueError, TypeError) as error:
        raise UserError(f"{file} is no backup of Dagnix's.") from error
    except OSError as error:
        raise UserError(f"{file} cannot be read: {error.strerror}.") from error


def _sums(opened: zipfile.ZipFile) -> dict[str, str]:
    lines = opened.read(SUMS).decode().splitlines()
    return {name: digest for digest, name in (line.split("  ", 1) for line in lines)}


def _sha256(opened: zipfile.ZipFile, name: str) -> str:
    with opened.open(name) as stream:
        return hashlib.file_digest(cast("BufferedIOBase", stream), "sha256").hexdigest()
