"""What the lock files name, as files with a place in the Nix store."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Literal

from dagnix import UserError, code_locations
from dagnix.checkout import Checkout
from dagnix.faults import Faults
from dagnix.locks import lockfile, store
from dagnix.locks.platforms import PYTHON
from dagnix.locks.systems import System

COMPILER = "compiler"  # the group in nix/debian.toml
FOR_TESTS = "tests/"  # the folder of Go modules that only Dagnix's own tests compile
FOR_BUILDS = "/build"  # the end of a group with a location's build-packages beside the compiler


@dataclass(frozen=True)
class LockedFile:
    """A file of a lock: a .deb, a wheel or a source archive."""

    kind: Literal["debian", "python"]
    package: str
    version: str
    file: str  # as its ecosystem calls it
    size: int  # bytes
    sha256: str  # hex
    system: str
    archive: str = ""  # Debian only: which archive, and the path below it
    path: str = ""
    snapshot: str = ""  # and the time of its lock, for the snapshot service
    python: str = PYTHON  # that it is for

    @property
    def name(self) -> str:
        """What it is called in the store."""
        return store.name_of(self.file)

    @property
    def store_path(self) -> str:
        """Where it is once it has been fetched."""
        return store.file_path(self.name, self.sha256)


@dataclass(frozen=True)
class Vendor:
    """The modules that a Go module of this repository is built from, as a directory."""

    module: str  # its folder, as in "nix/tools"
    sha256: str  # hex, of the NAR

    @property
    def name(self) -> str:
        """What it is called in the store."""
        return f"{self.module.replace('/', '-')}-vendor"

    @property
    def store_path(self) -> str:
        """Where it is once it has been fetched."""
        return store.directory_path(self.name, self.sha256)


@dataclass(frozen=True)
class Seed:
    """The directory that holds busybox and nothing else: the first builder of all."""

    sha256: str  # hex, of the NAR
    package: LockedFile  # that busybox comes from
    name: str = "seed"

    @property
    def store_path(self) -> str:
        """Where it is once it has been fetched."""
        return store.directory_path(self.name, self.sha256)


@dataclass(frozen=True)
class Inputs:
    """All that the builds for some systems need; of a code location, by name, what it adds."""

    common: tuple[LockedFile, ...]
    vendors: tuple[Vendor, ...]
    seeds: tuple[Seed, ...]
    added: Mapping[str, tuple[LockedFile, ...]]

    @property
    def files(self) -> tuple[LockedFile, ...]:
        """The .deb files, wheels and source archives, each once."""
        found = {file.store_path: file for file in self.common}
        for files in self.added.values():
            found |= {file.store_path: file for file in files}
        return tuple(found.values())

    @property
    def store_paths(self) -> list[str]:
        """Where all of it is once it has been fetched."""
        entries: tuple[LockedFile | Vendor | Seed, ...]
        entries = (*self.files, *self.vendors, *self.seeds)
        return [entry.store_path for entry in entries]


def read(checkout: Checkout, systems: Iterable[System], faults: Faults) -> Inputs:
    """Return what the locks name for these systems; without code locations that have a fault.

    Raises UserError where a lock of all images lacks one of them.
    """
    debian, python, go = (_read(checkout, name) for name in ("debian", "python", "go"))
    common: dict[str, LockedFile] = {}
    seeds: dict[str, Seed] = {}
    for system in systems:
        compiled = _any_compiled(python, system)
        debs = debian_files(debian, system.name, with_compiler=compiled)
        for entry in (*debs, *python_files(python, system.name)):
            common.setdefault(entry.store_path, entry)
        seed = seed_of(debian, system.name)
        seeds.setdefault(seed.store_path, seed)
    added: dict[str, tuple[LockedFile, ...]] = {}
    for name in code_locations.others(checkout.root):
        with faults.of(name):
            lock = lockfile.read(code_locations.lock(checkout.root, name))
            wheels = [
                file
                for system in systems
                for file in python_files(lock, system.name, f"locations/{name}")
            ]
            debs = [file for system in systems for file in _under(checkout, lock, system)]
            files = [*wheels, *debs]
            added[name] = tuple(file for file in files if file.store_path not in common)
    vendors = tuple(each for each in _vendors(go) if not each.module.startswith(FOR_TESTS))
    theirs = {name: files for name, files in added.items() if name not in faults}
    return Inputs(tuple(common.values()), vendors, tuple(seeds.values()), theirs)


def for_tests(checkout: Checkout) -> tuple[Vendor, ...]:
    """Return the Go modules that only Dagnix's own tests compile; no image needs them."""
    found = _vendors(_read(checkout, "go"))
    return tuple(each for each in found if each.module.startswith(FOR_TESTS))


def _vendors(go: Mapping[str, Any]) -> list[Vendor]:
    return [Vendor(module, entry["vendor"]) for module, entry in sorted(go.items())]


def _read(checkout: Checkout, ecosystem: str) -> dict[str, Any]:
    file = checkout.locked(ecosystem)
    if not file.exists():
        raise UserError(
            f"nix/locks/{ecosystem}.json is not there: "
            f"take it from git, or run ./dagnix lock {_ecosystem(ecosystem)}."
        )
    return lockfile.read(file)


def base(
    checkout: Checkout, python: str, systems: Iterable[System], *, with_compiler: bool = False
) -> list[LockedFile]:
    """Return the .deb files under an image that has this Python; what compiles, only if asked."""
    lock = _read(checkout, "debian" if python == PYTHON else f"pythons/{python}")
    return [
        file
        for system in systems
        for file in debian_files(lock, system.name, python, with_compiler=with_compiler)
    ]


def _under(checkout: Checkout, lock: Mapping[str, Any], system: System) -> list[LockedFile]:
    """Return the .deb files that the image of a location's lock needs beside those of all."""
    python, compiled = lock.get("python", PYTHON), _any_compiled(lock, system)
    if python == PYTHON and not compiled:
        return []
    return base(checkout, python, [system], with_compiler=compiled)


def is_compiled(entry: Mapping[str, Any]) -> bool:
    """Tell whether a package of a Python lock is a source archive that is compiled."""
    return entry.get("compiled", False)


def has_compiler(checkout: Checkout, python: str, system: System) -> bool:
    """Tell whether the lock of a Python's suite has a compiler; an older Dagnix locked none."""
    lock = _read(checkout, "debian" if python == PYTHON else f"pythons/{python}")
    return COMPILER in lock.get("groups", {}).get(system.name, {})


def _any_compiled(lock: Mapping[str, Any], system: System) -> bool:
    packages = lock.get("packages", {}).get(system.name, {})
    return any(is_compiled(entry) for entry in packages.values())


def debian_files(
    lock: Mapping[str, Any], system: str, python: str = PYTHON, *, with_compiler: bool = False
) -> list[LockedFile]:
    """Return the .deb files of the lock of a Python's suite, for one system.

    What only compilers need is among them if asked for: most locks compile nothing.
    """
    groups = lock.get("groups", {}).get(system, {})
    for_builds = {group for group in groups if group == COMPILER or group.endswith(FOR_BUILDS)}
    needed = {name for group in groups.keys() - for_builds for name in groups[group]}
    unneeded = {name for group in for_builds for name in groups[group]} - needed
    return [
        LockedFile(
            "debian",
            name,
            entry["version"],
            PurePosixPath(entry["path"]).name,
            entry["size"],
            entry["sha256"],
            system,
            entry["archive"],
            entry["path"],
            lock.get("snapshot", ""),
            python,
        )
        for name, entry in _of(lock, "debian", "packages", system).items()
        if with_compiler or name not in unneeded
    ]


def python_files(
    lock: Mapping[str, Any], system: str, lock_name: str = "python"
) -> Iterator[LockedFile]:
    """Yield the wheels and source archives of a lock, and what the latter are built with."""
    python = lock.get("python", PYTHON)
    for name, entry in _of(lock, lock_name, "packages", system).items():
        for package, each in ((name, entry), *entry.get("build", {}).items()):
            yield LockedFile(
                "python",
                package,
                each["version"],
                each["file"],
                each["size"],
                each["sha256"],
                system,
                python=python,
            )


def seed_of(lock: Mapping[str, Any], system: str) -> Seed:
    """Return the seed of a lock for one system."""
    for entry in debian_files(lock, system):
        if entry.package == "busybox-static":
            return Seed(_of(lock, "debian", "seed", system), entry)
    raise UserError(
        f"nix/locks/debian.json lacks busybox-static for {system}: run ./dagnix lock debian."
    )


def named(files: Iterable[LockedFile]) -> str:
    """Return the files' packages and versions, for a sentence."""
    return ", ".join(sorted({f"{file.package} {file.version}" for file in files}))


def _of(lock: Mapping[str, Any], lock_name: str, section: str, system: str) -> Any:
    try:
        return lock[section][system]
    except KeyError as error:
        raise UserError(
            f"nix/locks/{lock_name}.json has no {section} for {system}: "
            f"run ./dagnix lock {_ecosystem(lock_name)}."
        ) from error


def _ecosystem(lock_name: str) -> str:
    folder, slash, _ = lock_name.partition("/")
    return {"locations": "python", "pythons": "debian"}[folder] if slash else lock_name
