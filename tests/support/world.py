"""A checkout of its own, with a Nix store, a Debian mirror and a Python index of its own."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import dagnix
from dagnix.locks import store
from dagnix.locks.solve import dependencies
from support.fakes import SECONDS, Archive, Index, Key, Server

ROOT = Path(__file__).resolve().parents[2]
HOST = f"{os.uname().machine}-linux"
SYSTEMS = ("aarch64-linux", "x86_64-linux")
DAGSTER = ("dagster", "dagster-postgres")  # what each code location gets

DEBIAN_LIST = """
suite = "trixie"
[groups.base]
packages = ["app"]
exclude = ["unwanted"]
[groups.seed]
packages = ["busybox-static"]
[pythons."3.13"]
version = "3.13.5"
glibc = 41
[pythons."3.11"]
version = "3.11.2"
glibc = 36
suite = "bookworm"
[pythons."3.11".groups.base]
packages = ["app"]
"""
ROOT_PROJECT = """
[dependency-groups]
cli = ["tool"]
[tool.dagnix]
constraints = ["tool<9", "dagster<2"]
location-constraints = ["helper<3"]
"""
PIPES_PROJECT = """
[project]
name = "pipes"
version = "1"
dependencies = ["library"]
"""


@dataclass
class World:
    """All that a fetch and a lock touch."""

    root: Path
    server: Server
    debian: Archive
    security: Archive
    index: Index

    def run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `lock` or `fetch` to its end."""
        return subprocess.run(
            [sys.executable, "-m", "dagnix", program, *arguments],
            check=False,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )

    def ok(self, program: str, *arguments: str) -> str:
        """Run it, see that it is well, and return its standard output."""
        done = self.run(program, *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def fails(self, program: str, *arguments: str) -> str:
        """Run it, see that it ends in one sentence, and return that."""
        done = self.run(program, *arguments)
        assert done.returncode == 1, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stderr.splitlines()[-1].removeprefix("dagnix: ")

    def lock_all(self) -> str:
        return self.ok("lock", "debian", "python", f"--python={sys.executable}")

    def lock_of(self, ecosystem: str) -> dict[str, Any]:
        return json.loads(self.lock_path(ecosystem).read_text())

    def lock_path(self, ecosystem: str) -> Path:
        return self.root / "nix" / "locks" / f"{ecosystem}.json"

    def versions(self, system: str = HOST) -> dict[str, str]:
        """Return the locked Debian versions."""
        packages = self.lock_of("debian")["packages"][system]
        return {name: entry["version"] for name, entry in packages.items()}

    def in_store(self, end: str) -> bool:
        return any(path.name.endswith(end) for path in Path(store.STORE).iterdir())

    def interrupt(self, is_time: Callable[[], bool]) -> subprocess.CompletedProcess[str]:
        """Start a fetch, press Ctrl-C when it is time, and return how it ended."""
        process = subprocess.Popen(
            # What a shell starts in the background ignores Ctrl-C, and so does what that starts.
            # Some shells ignore SIGTERM: the clients must end all the same.
            [
                *("env", "--default-signal=INT", "--ignore-signal=TERM"),
                *(sys.executable, "-m", "dagnix", "fetch"),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            wait_for(is_time)
            process.send_signal(signal.SIGINT)
            output, errors = process.communicate(timeout=SECONDS)
        finally:
            process.kill()
            process.wait()
        return subprocess.CompletedProcess(process.args, process.returncode, output, errors)


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds, however slow the machine is."""
    end = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < end, "it never came to pass"
        time.sleep(0.05)


@pytest.fixture(scope="session")
def key(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Key]:
    made = Key.made_in(tmp_path_factory.mktemp("key"))
    yield made
    made.forget()


@pytest.fixture
def apt_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the host's apt is configured with, before all else."""
    return _apt_config(tmp_path, monkeypatch)


def _apt_config(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = folder / "apt.conf"
    nowhere = "http://127.0.0.1:9"  # discard(9): nothing listens there
    path.write_text(
        'Acquire::http::Proxy::127.0.0.1 "DIRECT";\n'
        f'Acquire::Snapshots::URI::Origin::Debian "{nowhere}";\n'
        f'Acquire::Snapshots::URI::Override::Label::Debian-Security "{nowhere}";\n'
    )
    monkeypatch.setenv("APT_CONFIG", str(path))
    return path


@dataclass(frozen=True)
class Template:
    """What every test starts from: mirrors with their files, and locks that fit them."""

    served: Path
    locks: Path


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory, key: Key) -> Template:
    folder = tmp_path_factory.mktemp("template")
    with pytest.MonkeyPatch.context() as monkeypatch:
        made = _world(folder, key, _apt_config(folder, monkeypatch), monkeypatch)
        made.debian.add("app", "1.0", {"Depends": "libfoo (>= 1.0), unwanted"})
        made.debian.add("libfoo", "1.0+b1")
        made.debian.add("unwanted", "1.0", {"Depends": "only-for-unwanted"})
        made.debian.add("only-for-unwanted", "1.0")
        made.debian.add("busybox-static", "1:1.37")
        made.debian.publish()
        made.security.publish()
        made.index.add("tool", "1.0", ("helper",), payload=bytes(1000))
        made.index.add("helper", "1.0")
        made.index.add("library", "1.0", payload=bytes(1000))
        for name in DAGSTER:
            made.index.add(name, "1.0")
        made.lock_all()
        made.server.stop()
    _make_removable(folder)
    (made.debian.folder / "index.json").write_text(
        json.dumps([[*names, stanza] for names, stanza in made.debian.index.items()])
    )
    return Template(folder / "served", made.root / "nix" / "locks")


@pytest.fixture
def world(
    tmp_path: Path,
    key: Key,
    template: Template,
    apt_config: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[World]:
    """A world whose locks are written and whose store is empty."""
    shutil.copytree(template.served, tmp_path / "served")
    made = _world(tmp_path, key, apt_config, monkeypatch)
    shutil.copytree(template.locks, made.root / "nix" / "locks", dirs_exist_ok=True)
    for architecture, package, stanza in json.loads(
        (made.debian.folder / "index.json").read_text()
    ):
        made.debian.index[architecture, package] = stanza
    made.debian.published = made.security.published = 1
    yield made
    made.server.stop()
    _make_removable(tmp_path)


def _world(folder: Path, key: Key, apt_config: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    assert apt_config.exists()
    root, served = folder / "checkout", folder / "served"
    for needed in (root / "nix" / "locks", root / "pipes", served / "simple", folder / "store"):
        needed.mkdir(parents=True, exist_ok=True)
    (root / "nix" / "debian.toml").write_text(DEBIAN_LIST)
    (root / "nix" / "locks" / "go.json").write_text("{}\n")
    (root / "pyproject.toml").write_text(ROOT_PROJECT)
    (root / "VERSION").write_text("1.2.3\n")
    (root / "pipes" / "pyproject.toml").write_text(PIPES_PROJECT)
    reader = root / dependencies.READER
    reader.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / dependencies.READER, reader)
    server = Server(served)
    for name, value in {
        "DAGNIX_ROOT": str(root),
        "DAGNIX_DEBIAN_MIRROR": f"{server.url}/debian",
        "DAGNIX_DEBIAN_KEYRING": str(key.keyring),
        "PYTHONPATH": str(Path(dagnix.__file__).parents[1]),
        "PIP_INDEX_URL": f"{server.url}/simple",
        "PIP_CACHE_DIR": str(folder / "pip-cache"),
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_RETRIES": "1",
        "NIX_STORE_DIR": str(folder / "store"),
        "NIX_STATE_DIR": str(folder / "state"),
        "NIX_LOG_DIR": str(folder / "log"),
        "NIX_CONFIG": "build-users-group =",
        "no_proxy": "127.0.0.1",
    }.items():
        monkeypatch.setenv(name, value)
    for name in (
        *("DAGNIX_SOURCE", "DAGNIX_FILES", "DAGNIX_DEBIAN_SECURITY_MIRROR"),
        *("PIP_FIND_LINKS", "NIX_REMOTE"),
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(store, "STORE", str(folder / "store"))
    return World(
        root,
        server,
        Archive(served / "debian", key, "Debian", ("trixie", "trixie-updates")),
        Archive(
            served / "debian-security",
            key,
            "Debian-Security",
            ("trixie-security",),
            "pool/updates/main",
        ),
        Index(served / "simple"),
    )


def _make_removable(folder: Path) -> None:
    subprocess.run(["/bin/chmod", "-R", "u+w", folder / "store"], check=True)
