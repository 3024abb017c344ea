"""No file of the repository names the host of a package registry.

The hosts are read from the configuration and the defaults of the clients that are on this machine,
so that none stands here either.
"""

import re
import shutil
import subprocess
from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path

import pytest
from pip._internal.models.index import PyPI

ROOT = Path(__file__).parents[2]
COMMANDS = (
    ["apt-get", "indextargets", "--format", "$(SITE)"],
    ["apt-config", "dump", "Acquire::Snapshots"],
    ["npm", "config", "get", "registry"],
    ["go", "env", "GOPROXY", "GOSUMDB"],
    ["pip", "config", "list"],
)
# The defaults of a machine on which nobody configured anything.
FILES = (
    "usr/share/doc/apt/examples/sources.list",
    "usr/lib/go-*/go.env",
)
# In a URL, which may hold credentials, or as a value by itself.
HOST = re.compile(
    r"(?:^|//(?:[^/\s@]*@)?|=['\"]?)((?:[a-z0-9-]+\.)+[a-z]{2,})(?=[:/\s,|'\"]|$)", re.MULTILINE
)


def said_by_clients() -> Iterator[str]:
    yield f"//{PyPI.netloc}/ //{PyPI.file_storage_domain}/"
    for command in COMMANDS:
        if shutil.which(command[0]):
            yield subprocess.run(command, capture_output=True, text=True, check=False).stdout
    roots = (Path("/"), ROOT / ".dagnix" / "roots" / "go")
    for file in (file for root in roots for pattern in FILES for file in root.glob(pattern)):
        yield file.read_text()


@cache
def hosts() -> frozenset[str]:
    return frozenset(host for text in said_by_clients() for host in HOST.findall(text))


def naming(folder: Path, names: Collection[str]) -> list[str]:
    """Return the lines of the folder's files that name one of the hosts, without ignored files."""
    words = [word for name in sorted(names) for word in ("-e", name)]
    command = ["git", "grep", "--untracked", "-n", "-I", "--fixed-strings", "--ignore-case"]
    done = subprocess.run(
        [*command, *words], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode in {0, 1}, done.stderr
    return done.stdout.splitlines()


def test_no_file_names_the_host_of_a_registry() -> None:
    assert naming(ROOT, hosts()) == []


def test_a_file_that_names_one_is_found(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    (tmp_path / "pip.conf").write_text(f"index-url = https://{PyPI.netloc.upper()}/simple\n")
    (tmp_path / "other.conf").write_text("index-url = https://mirror.example/simple\n")
    (line,) = naming(tmp_path, hosts())
    assert line.startswith("pip.conf:1:")


@pytest.mark.parametrize(
    "said",
    [
        "https://mirror.example/debian",
        "https://user:secret@mirror.example:8080/simple",
        "https://mirror.example,direct",
        "GOSUMDB=mirror.example",
        "mirror.example",
        "global.trusted-host='mirror.example'",
        "global.index-url='https://mirror.example/simple'",
    ],
)
def test_a_host_is_found_in_what_clients_say(said: str) -> None:
    assert HOST.findall(said) == ["mirror.example"]


@pytest.mark.parametrize("said", ["direct", "off", "global.timeout='60'", "file:/srv/debian"])
def test_what_is_no_host_is_left_alone(said: str) -> None:
    assert HOST.findall(said) == []
