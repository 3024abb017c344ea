"""The Nix store, as far as a fetch needs it."""

import hashlib
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from dagnix import UserError
from dagnix.locks.command import last_error, output_of
from dagnix.process import CommandError

STORE = os.environ.get("NIX_STORE_DIR", "/nix/store")
BASE32 = "0123456789abcdfghijklmnpqrsvwxyz"  # Nix's own alphabet: no e, o, t, u


def name_of(file: str) -> str:
    """Return the store name of a file: nix2container reads it as a regular expression."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", file)


def file_path(name: str, sha256: str) -> str:
    """Return the store path of a file with this hash (hex), as Nix's manual specifies it."""
    inner = hashlib.sha256(f"fixed:out:sha256:{sha256}:".encode()).hexdigest()
    return _path("output:out", inner, name)


def directory_path(name: str, sha256: str) -> str:
    """Return the store path of a directory whose NAR has this hash (hex)."""
    return _path("source", sha256, name)


def _path(kind: str, inner: str, name: str) -> str:
    digest = hashlib.sha256(f"{kind}:sha256:{inner}:{STORE}:{name}".encode()).digest()
    folded = bytearray(20)
    for position, byte in enumerate(digest):
        folded[position % 20] ^= byte
    number = int.from_bytes(folded, "little")
    text = "".join(BASE32[number >> 5 * position & 31] for position in reversed(range(32)))
    return f"{STORE}/{text}-{name}"


def missing(paths: Iterable[str]) -> set[str]:
    """Return those of the paths that the store does not hold."""
    desired = sorted(set(paths))
    if not desired:
        return set()
    return set(_nix("nix-store", "--check-validity", "--print-invalid", *desired).split())


def add_files(files: Sequence[Path]) -> None:
    """Add files under their own names; each must have been verified."""
    if files:
        _nix("nix-store", "--add-fixed", "sha256", *map(str, files))


def add_directory(directory: Path) -> str:
    """Add a directory under its own name and return its store path."""
    return _nix("nix-store", "--add-fixed", "--recursive", "sha256", str(directory)).strip()


def hash_directory(directory: Path) -> str:
    """Return the SHA-256 (hex) of the directory's NAR."""
    return _nix("nix-hash", "--type", "sha256", str(directory)).strip()


def protect(paths: Iterable[str], root: Path) -> None:
    """Keep the paths from the garbage collector, for as long as the link `root` is there."""
    desired = sorted(set(paths))
    if root.exists() and desired == sorted(_references(root)):
        return
    root.parent.mkdir(parents=True, exist_ok=True)
    # A text file that names the paths refers to them: no builder has to run for it.
    names = " ".join(f'(builtins.storePath "{path}")' for path in desired)
    expression = f'builtins.toFile "{root.name}" (builtins.concatStringsSep "\\n" [ {names} ])'
    written = _nix("nix-instantiate", "--eval", "--read-write-mode", "--expr", expression)
    path = written.strip().strip('"')
    _nix("nix-store", "--realise", path, "--add-root", str(root), "--indirect")


def _references(root: Path) -> list[str]:
    return _nix("nix-store", "--query", "--references", str(root)).split()


def _nix(program: str, *arguments: str) -> str:
    try:
        return output_of([program, *arguments])
    except CommandError as error:
        if "No space left on device" in error.output:
            raise UserError(
                f"There is no space left for the Nix store in {STORE}: free some there "
                "(nix-collect-garbage removes what nothing needs), then run the same again."
            ) from error
        raise UserError(
            f"{program} failed ({last_error(error.output)}): ./dagnix doctor looks into Nix."
        ) from error
