"""Packages that have no wheel: their source archives, from which Nix builds one.

The wheel tells the solver what the package depends on. The lock has the archive, what it is built
with, and whether it is compiled; the images get the wheel that Nix builds from these.
"""

import hashlib
import json
import shutil
import sys
import tarfile
import threading
import tomllib
import zipfile
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from dagnix.checkout import Checkout
from dagnix.faults import Faults
from dagnix.locks import inputs
from dagnix.locks.command import last_error, output_of
from dagnix.locks.fetch import download, everything
from dagnix.locks.inputs import is_compiled
from dagnix.locks.platforms import OLDEST_GLIBC, PYTHON
from dagnix.locks.solve import debian
from dagnix.locks.solve.relock import relock
from dagnix.locks.systems import SYSTEMS, host_system
from dagnix.process import CommandError

Packages = Mapping[str, Mapping[str, Any]]  # package → its entry in a lock
# Requirements and a version of Python → what they need, by system.
Solve = Callable[[Sequence[str], str], Mapping[str, Packages]]

BUILDER = Path("nix", "source_wheel.nix")
REFUSED = "refused: "  # nix/lib/builders/build_wheel.py
NEEDS_COMPILER = "it needs a compiler"  # nix/lib/builders/build_wheel.py
LEGACY = ("setuptools>=40.8", "wheel")  # PEP 517: what a project without a word of it is built with


class RefusedError(Exception):
    """An archive that no wheel can be had of, with the reason."""


@dataclass(frozen=True)
class Missing:
    """A version of a package that has no wheel; `said` names both, and `alternative` what has one.

    `file` is its source archive, "" if it has none; `python` the full version that it is for.
    """

    name: str
    version: str
    file: str
    python: str
    said: str
    alternative: str

    def because(self, why: str) -> str:
        """Return the sentence that refuses it."""
        return f"{self.said} has no wheel, {why}; {self.alternative}"


@dataclass
class SourceArchives:
    """The archives that one lock needs, and in `wheels` the wheels that were built of them.

    `location` is the name of the code location that they are for and the folder of its project;
    `debian` names the Debian packages that its image has on top.
    """

    checkout: Checkout
    wheels: Path
    solve: Solve
    locked: Mapping[str, Packages]  # by system
    location: tuple[str, Path]
    debian: Collection[str] = ()
    _built: dict[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)
    _known: set[tuple[str, str]] = field(default_factory=set)  # files and Pythons
    _refused: dict[str, str] = field(default_factory=dict)  # by file
    _alone: threading.Lock = field(default_factory=threading.Lock)

    def build_locked(self, python: str) -> None:
        """Build those that the lock has already, for this Python; one that cannot be stays away."""
        entries = self.locked.get(host_system().name, {})
        for name, entry in entries.items():
            if "build" in entry:
                try:
                    self._keep(name, self._of_lock(name, entry["version"], entry["file"]), python)
                except RefusedError as error:
                    print(f"{name} {entry['version']}: {error}", file=sys.stderr)

    def add(self, missing: Missing) -> str:
        """Build what is missing; return the sentence that refuses it, "" if there is a wheel."""
        if not missing.file:
            return missing.because("nor a source archive")
        python = missing.python.rpartition(".")[0]
        # The other machine, whose solver is at work beside this one, asks for the same.
        with self._alone:
            if (missing.file, python) not in self._known and missing.file not in self._refused:
                words = f"building {missing.name} {missing.version} from its source archive"
                print(words, file=sys.stderr)
                try:
                    entries = self._of_lock(missing.name, missing.version, missing.file)
                    self._keep(missing.name, entries or self._new(missing), python)
                except RefusedError as error:
                    self._refused[missing.file] = str(error)
            if why := self._refused.get(missing.file):
                return missing.because(f"and its source archive cannot be used: {why}")
        return ""

    def in_place(self, packages: Packages, system: str) -> dict[str, Any]:
        """Return a solver's packages, with archives in place of the wheels that were built here."""
        return {
            name: dict(self._built[entry["file"]][system])
            if entry["file"] in self._built
            else entry
            for name, entry in packages.items()
        }

    def _of_lock(self, name: str, version: str, file: str) -> Mapping[str, Mapping[str, Any]]:
        """Return the lock's entry, by system, if each has the archive."""
        found = {system: self.locked.get(system, {}).get(name, {}) for system in SYSTEMS}
        is_it = all(
            "build" in each and (each["version"], each["file"]) == (version, file)
            for each in found.values()
        )
        return found if is_it else {}

    def _new(self, missing: Missing) -> Mapping[str, Mapping[str, Any]]:
        """Return the entry for each system of an archive that no lock has."""
        python = missing.python.rpartition(".")[0]
        file = inputs.LockedFile(
            "python", missing.name, missing.version, missing.file, 0, "", host_system().name,
            python=python,
        )  # fmt: skip
        (size,) = download.sizes(self.checkout, [file]).values()
        archive = self.checkout.downloads / file.name
        sha256 = hashlib.sha256(archive.read_bytes()).hexdigest()
        requires = requirements(archive)
        download.files(self.checkout, [replace(file, size=size, sha256=sha256)])
        try:
            build = self.solve(requires, missing.python)
        except CommandError as error:
            raise RefusedError(
                f"it is built with {', '.join(requires)}, which cannot be had "
                f"({last_error(error.output).removeprefix('ERROR: ')})"
            ) from error
        entry = {"version": missing.version, "file": missing.file, "size": size, "sha256": sha256}
        return {system: {**entry, "build": build[system]} for system in SYSTEMS}

    def _keep(self, name: str, entries: Mapping[str, Mapping[str, Any]], python: str) -> None:
        """Build the wheel, twice, and put it where the solver finds it."""
        if not entries:
            return
        host = host_system()
        everything.files(self.checkout, [host], Faults(), relock=relock)
        lock = {"packages": {host.name: {name: entries[host.name]}}, "python": python}
        download.files(self.checkout, inputs.python_files(lock, host.name))
        try:
            built = self._build(name, entries, python)
        except RefusedError as error:
            if str(error) != NEEDS_COMPILER:
                raise
            entries = {system: {**entry, "compiled": True} for system, entry in entries.items()}
            built = self._build(name, entries, python)
        (wheel,) = built.iterdir()
        file = for_solver(wheel.name)
        shutil.copy(wheel, self.wheels / file)
        self._built[file] = entries
        self._known |= {(entry["file"], python) for entry in entries.values()}

    def _build(self, name: str, entries: Mapping[str, Mapping[str, Any]], python: str) -> Path:
        """Fetch what is below the wheel's build, and build it."""
        host = host_system()
        entry = entries[host.name]
        if python != PYTHON:
            debian.add_suite(self.checkout, python)
        compiled = is_compiled(entry)
        if compiled and not inputs.has_compiler(self.checkout, python, host):
            raise RefusedError(f"{NEEDS_COMPILER}, which `./dagnix lock debian` locks first")
        if compiled:
            debian.add_build_packages(self.checkout, *self.location, python)
        if python != PYTHON or compiled:
            base = inputs.base(self.checkout, python, [host], with_compiler=compiled)
            download.files(self.checkout, base)
        return self._nix_build(name, entry, python)

    def _nix_build(self, name: str, entry: Mapping[str, Any], python: str) -> Path:
        values = {
            "system": host_system().name,
            "locks": str(self.checkout.root / "nix" / "locks"),
            "location": self.location[0],
            "python": python,
            "name": name,
            "package": json.dumps(entry),
            "debian": json.dumps(sorted(self.debian)),
        }
        words = [word for name, value in values.items() for word in ("--argstr", name, value)]
        command = ["nix-build", str(self.checkout.source / BUILDER), "--no-out-link", *words]
        try:
            built = output_of(command)
            output_of([*command, "--check"])
        except CommandError as error:
            raise RefusedError(_reason(error.output)) from error
        return Path(built.strip())


def for_solver(wheel: str) -> str:
    """Return a name under which pip takes a wheel that was built here, for either machine.

    What was compiled for this one tells also what is needed on the other, where it is compiled
    when an image is built there.
    """
    stem, _, platform = wheel.removesuffix(".whl").rpartition("-")
    if platform == "any":
        return wheel
    tags = [f"manylinux_2_{OLDEST_GLIBC}_{system.machine}" for system in SYSTEMS.values()]
    return f"{stem}-{'.'.join(tags)}.whl"


def _reason(output: str) -> str:
    lines = [line.strip() for line in output.splitlines()]
    said = [line.partition(REFUSED)[2] for line in lines if line.startswith(REFUSED)]
    if said:
        return said[-1]
    if "may not be deterministic" in output:
        return "two builds of it differ"
    return last_error(output)


def requirements(archive: Path) -> list[str]:
    """Return what a source archive asks for to be built, of which nothing is run (PEP 518).

    Raises RefusedError for a file that is none.
    """
    try:
        text = _pyproject(archive)
        system = tomllib.loads(text.decode()).get("build-system") if text else None
        return list(LEGACY) if system is None else [str(each) for each in system["requires"]]
    except (OSError, ValueError, KeyError, EOFError, tarfile.TarError, zipfile.BadZipFile) as error:
        raise RefusedError("it is not an archive that can be read") from error


def _pyproject(archive: Path) -> bytes:
    """Return the pyproject.toml in the archive's one folder; empty if there is none."""
    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive) as opened:
            name = _first_pyproject(opened.namelist())
            return opened.read(name) if name else b""
    with tarfile.open(archive) as opened:
        name = _first_pyproject(opened.getnames())
        stream = opened.extractfile(name) if name else None
        return stream.read() if stream else b""


def _first_pyproject(names: Iterable[str]) -> str:
    found = (each for each in names if each.removeprefix("./").count("/") == 1)
    return next((each for each in found if each.endswith("/pyproject.toml")), "")
