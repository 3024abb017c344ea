"""Wheels and source archives, downloaded by the host's pip."""

import importlib.util
import re
import shutil
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from dagnix import UserError
from dagnix.locks.fetch.client import Client
from dagnix.locks.inputs import LockedFile
from dagnix.locks.platforms import OLDEST_GLIBC, platforms
from dagnix.locks.systems import SYSTEMS

AT_ONCE = 3  # pips, each of which downloads one file after the other
ARCHIVES = Path(__file__).with_name("download_archives.py")
EACH = 10  # files that are worth another pip


@dataclass(frozen=True)
class Pip:
    """One pip at work on `files`, which appear below `folder`."""

    files: tuple[LockedFile, ...]
    client: Client
    folder: Path


def start(files: Iterable[LockedFile], scratch: Path) -> list[Pip]:
    """Start fetching, in some batches at once.

    Raises UserError on a host without pip.
    """
    desired = sorted(files, key=lambda file: file.size, reverse=True)
    if desired and importlib.util.find_spec("pip") is None:
        raise UserError(
            f"{sys.executable} has no pip to fetch wheels with: apt-get install python3-pip."
        )
    archives = [file for file in desired if not file.file.endswith(".whl")]
    ready = [file for file in desired if file.file.endswith(".whl")]
    batches = [
        batch
        for target in sorted({_target(file) for file in ready})
        for batch in _batches([file for file in ready if _target(file) == target])
    ]
    pips = [_start_one(batch, scratch / f"pip-{number}") for number, batch in enumerate(batches)]
    return [*pips, _start_archives(archives, scratch / "archives")] if archives else pips


def _target(file: LockedFile) -> tuple[str, str]:
    return file.system, file.python


def _batches(files: Sequence[LockedFile]) -> list[Sequence[LockedFile]]:
    count = min(AT_ONCE, -(-len(files) // EACH))
    return [files[start::count] for start in range(count)]


def _start_one(batch: Sequence[LockedFile], folder: Path) -> Pip:
    shutil.rmtree(folder, ignore_errors=True)
    temporary = folder / "tmp"
    temporary.mkdir(parents=True)
    requirements = folder / "requirements.txt"
    requirements.write_text(
        "".join(f"{file.package}=={file.version} --hash=sha256:{file.sha256}\n" for file in batch)
    )
    command = [
        sys.executable, "-m", "pip", "download", "--disable-pip-version-check",
        "--no-input",
        "--progress-bar=off", "--no-deps", "--require-hashes", "--only-binary=:all:",
        "--implementation=cp", f"--python-version={batch[0].python}",
        *(f"--platform={tag}" for tag in _platforms(batch)),
        f"--dest={folder / 'wheels'}", f"--requirement={requirements}",
    ]  # fmt: skip
    environment = {"TMPDIR": str(temporary), "PIP_REQUIRE_VIRTUALENV": "0"}
    return Pip(tuple(batch), Client(command, folder / "output", environment), folder)


def _start_archives(files: Sequence[LockedFile], folder: Path) -> Pip:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    # -P: beside the program are modules of ours, some with names of the standard library's.
    command = [sys.executable, "-P", str(ARCHIVES), str(folder / "wheels")]
    command += [word for file in files for word in (file.package, file.file, file.sha256)]
    return Pip(tuple(files), Client(command, folder / "output"), folder)


def _platforms(batch: Sequence[LockedFile]) -> list[str]:
    """Return a platform tag of each wheel; pip weighs every file of the index against each."""
    tags = {file.file.removesuffix(".whl").rpartition("-")[2].split(".")[0] for file in batch}
    return sorted(tags - {"any"}) or platforms(SYSTEMS[batch[0].system], OLDEST_GLIBC)[:1]


def is_corrupt(output: str) -> bool:
    """Tell whether a file came, but not the locked one."""
    return "DO NOT MATCH THE HASHES" in output


def named_corrupt(output: str, files: Iterable[LockedFile]) -> list[LockedFile]:
    """Return the files that pip found to be others than the locked ones.

    pip ends at the first, so that it is the last that it speaks of.
    """
    hashes = set(re.findall(r"Expected sha256 ([0-9a-f]{64})", output))
    return [file for file in files if file.sha256 in hashes]


def not_in_index(output: str) -> str:
    """Return the requirement that the index answered it does not have, "" if it is not that."""
    found = re.search(r"No matching distribution found for (\S+)", output)
    # Without an answer from the index pip ends with the same words, after a few tries.
    return found[1] if found and "Retrying (" not in output else ""
