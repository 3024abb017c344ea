"""What the images hold, read from their layers."""

import importlib.util
import marshal
from pathlib import PurePosixPath

import pytest
from support import debian
from support.layers import Contents, config, manifest
from support.stack import SERVICES

from dagnix.images.layout import Layout

DAGSTER = ("webserver", "daemon", "pipes")
UID = 10001

SHELLS = {"sh", "ash", "bash", "busybox", "csh", "dash", "fish", "ksh", "mksh", "tcsh", "zsh"}
PACKAGE_MANAGERS = {"apt", "apt-get", "aptitude", "conda", "dpkg", "dpkg-deb", "gem", "npm", "pip"}
PACKAGE_MANAGERS |= {"pip3", "pip3.13", "uv"}
COMPILERS = {"as", "c++", "cc", "clang", "cpp", "g++", "gcc", "go", "gold", "ld", "make", "tcc"}

PYTHON_FOLDERS = (
    "/usr/lib/python3.13",
    "/usr/lib/python3",
    "/opt/dagster/venv/lib",
    "/opt/dagster/pipes/src",
)


def test_base_and_dagster_layers_are_the_same_in_the_three_images(
    layouts: dict[str, Layout],
) -> None:
    lowest = {
        tuple(layer["digest"] for layer in manifest(layouts[name])["layers"][:2])
        for name in DAGSTER
    }
    assert len(lowest) == 1


def test_code_and_config_are_layers_of_their_own(layouts: dict[str, Layout]) -> None:
    *_, settings, lower, upper = manifest(layouts["pipes"])["layers"]
    assert settings["digest"] == manifest(layouts["webserver"])["layers"][-1]["digest"]
    for part in (lower, upper):
        assert 20_000 < part["size"] < 500_000, "the code's layers hold something else"


@pytest.mark.parametrize("service", DAGSTER)
def test_only_what_the_image_holds_is_compiled(files: dict[str, Contents], service: str) -> None:
    found = dict(files[service])
    for path in found:
        if path.suffix == ".pyc" and path.parent.name == "__pycache__":
            assert path.parent.parent / f"{path.name.partition('.')[0]}.py" in found, path


@pytest.mark.parametrize("service", SERVICES)
def test_a_tree_in_the_store_has_no_link_to_the_host(
    files: dict[str, Contents], service: str
) -> None:
    """A build without a sandbox would follow it, and so would Python on the host."""
    links = {str(path): entry.linkname for path, entry in files[service] if entry.issym()}
    absolute = {path for path, target in links.items() if target.startswith("/")}
    # The venv's, which on the host nothing starts.
    assert absolute <= {"/opt/dagster/venv/bin/python"}


@pytest.mark.parametrize("service", SERVICES)
def test_labels_user_and_entrypoint(layouts: dict[str, Layout], service: str) -> None:
    found = config(layouts[service])
    labels = {name.rpartition(".")[2]: value for name, value in found["Labels"].items()}
    assert {"version", "revision", "source", "title"} <= labels.keys()
    assert all(labels.values())
    assert labels["source"].startswith("https://")
    assert found["User"] == f"{UID}:{UID}"
    program = "gate" if service == "gate" else "runtime"
    assert found["Entrypoint"][0] == f"/opt/dagster/bin/{program}"


@pytest.mark.parametrize("service", SERVICES)
def test_no_shell_no_package_manager_no_compiler(files: dict[str, Contents], service: str) -> None:
    unwanted = SHELLS | PACKAGE_MANAGERS | COMPILERS
    # initdb calls sh.
    allowed = {"sh", "dash"} if service == "postgres" else set()
    folders = {"bin", "sbin"}
    programs = {
        path.name for path, entry in files[service] if path.parent.name in folders and entry.mode
    }
    assert programs & unwanted == allowed
    modules = {"pip", "ensurepip"}
    assert not [
        str(path) for path, entry in files[service] if path.name in modules and entry.isdir()
    ]


@pytest.mark.parametrize("service", DAGSTER)
def test_of_coreutils_only_the_program_that_dagster_calls(
    files: dict[str, Contents], service: str
) -> None:
    programs = {path.name for path, _ in files[service] if str(path.parent) == "/usr/bin"}
    assert {"tail", "cat", "ls", "rm"} & programs == {"tail"}


@pytest.mark.parametrize("service", SERVICES)
def test_nothing_gives_privileges_and_little_is_writable(
    files: dict[str, Contents], service: str
) -> None:
    special = [str(path) for path, entry in files[service] if entry.mode & 0o6000]
    devices = [str(path) for path, entry in files[service] if entry.isdev()]
    assert (special, devices) == ([], [])
    own = {str(path) for path, entry in files[service] if entry.uid}
    expected = {
        "postgres": {"/run/postgresql", "/var/lib/postgresql", "/var/lib/postgresql/data"},
        "gate": {"/var/lib/gate"},
    }.get(
        service,
        {f"/var/lib/dagster{sub}" for sub in ("", "/compute_logs", "/incoming")},
    )
    assert own == expected
    shared = {
        str(path) for path, entry in files[service] if entry.mode & 0o002 and not entry.issym()
    }
    assert shared == ({"/tmp"} if service == "gate" else {"/tmp", "/var/tmp"})  # noqa: S108


@pytest.mark.parametrize("service", SERVICES)
def test_times_and_owners_are_fixed(files: dict[str, Contents], service: str) -> None:
    assert {entry.mtime for _, entry in files[service]} == {0}
    assert {(entry.uid, entry.gid) for _, entry in files[service]} == {(0, 0), (UID, UID)}


@pytest.mark.parametrize("service", DAGSTER)
def test_every_module_is_compiled_for_good(files: dict[str, Contents], service: str) -> None:
    sources = [
        path
        for path, entry in files[service]
        if path.suffix == ".py" and entry.isfile() and str(path).startswith(PYTHON_FOLDERS)
    ]
    assert len(sources) > 3000
    problems = [problem for path in sources if (problem := _problem(files[service], path))]
    assert problems == []


def _problem(files: Contents, source: PurePosixPath) -> str | None:
    """Say what is wrong with a module's .pyc (PEP 552), if anything is."""
    compiled = source.parent / "__pycache__" / f"{source.stem}.cpython-313.pyc"
    if compiled not in files:
        return f"{source} is not compiled"
    content = files.read(compiled)
    if content[:4] != importlib.util.MAGIC_NUMBER:
        return f"{compiled} is of another Python"
    # Bit 0: by hash, not by time. Bit 1, not set: the hash is not checked when it is imported.
    if int.from_bytes(content[4:8], "little") != 1:
        return f"{compiled} is no unchecked-hash file"
    if content[8:16] != importlib.util.source_hash(files.read(source)):
        return f"{compiled} is stale"
    named = marshal.loads(content[16:]).co_filename  # noqa: S302 - the image's own code
    return None if named == str(source) else f"{compiled} names {named} in tracebacks"


@pytest.mark.parametrize("service", SERVICES)
def test_scanners_find_each_debian_package(files: dict[str, Contents], service: str) -> None:
    expected = debian.locked(service)
    folder = PurePosixPath("/var/lib/dpkg/status.d")
    listed = {path.name for path, _ in files[service] if path.parent == folder}
    assert listed == {*expected, *(f"{name}.md5sums" for name in expected)}
    for name, version in expected.items():
        stanza = files[service].read(folder / name).decode()
        assert f"Package: {name}\n" in stanza
        assert f"Version: {version}\n" in stanza


def test_the_gate_is_one_static_program(files: dict[str, Contents]) -> None:
    programs = {str(path) for path, entry in files["gate"] if entry.isfile() and entry.mode & 0o111}
    assert programs == {"/opt/dagster/bin/gate"}
    assert b"ld-linux" not in files["gate"].read(PurePosixPath("/opt/dagster/bin/gate"))
