"""Which Debian mirrors are used."""

from pathlib import Path

import pytest
from support.world import World

from dagnix import UserError
from dagnix.locks import mirrors
from dagnix.locks.mirrors import Mirrors


@pytest.fixture
def host(world: World, apt_config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The sources.list of a host without any package lists yet."""
    monkeypatch.delenv("DAGNIX_DEBIAN_MIRROR")
    (tmp_path / "host" / "lists" / "partial").mkdir(parents=True)
    sources = tmp_path / "host" / "sources.list"
    settings = {
        "Dir::State::lists": tmp_path / "host" / "lists",
        "Dir::Etc::sourcelist": sources,
        "Dir::Etc::sourceparts": "/dev/null",
        "APT::Architecture": "amd64",
        "APT::Architectures": "amd64",
    }
    with apt_config.open("a") as stream:
        stream.writelines(f'{key} "{value}";\n' for key, value in settings.items())
    signed = f"[signed-by={world.debian.key.keyring}]"
    sources.write_text(
        f"deb {signed} {world.server.url}/debian trixie main\n"
        f"deb {signed} {world.server.url}/debian-security trixie-security main\n"
    )
    return sources


def test_mirrors_are_those_of_the_hosts_apt(host: Path, world: World, tmp_path: Path) -> None:
    assert host.exists()
    url = world.server.url
    assert mirrors.find(tmp_path / "state") == Mirrors(f"{url}/debian", f"{url}/debian-security")


def test_first_of_a_list_of_mirrors_is_taken(host: Path, world: World, tmp_path: Path) -> None:
    listed = tmp_path / "mirrors.txt"
    listed.write_text(f"# ours\n{world.server.url}/debian\tpriority:1\n{world.server.url}/other\n")
    text = host.read_text().replace(f"{world.server.url}/debian ", f"mirror+file:{listed} ")
    host.write_text(text)
    assert mirrors.find(tmp_path / "state").debian == f"{world.server.url}/debian"


def test_host_that_is_no_debian(host: Path, world: World, tmp_path: Path) -> None:
    text = host.read_text().splitlines()[1]
    host.write_text(text)
    assert world.server.url in text
    with pytest.raises(UserError, match=r"configured with no Debian mirror: set DAGNIX_DEBIAN"):
        mirrors.find(tmp_path / "state")


def test_environment_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGNIX_DEBIAN_MIRROR", "http://127.0.0.1/mirror/debian/")
    monkeypatch.delenv("DAGNIX_DEBIAN_SECURITY_MIRROR", raising=False)
    found = mirrors.find(tmp_path)
    assert found.base("debian") == "http://127.0.0.1/mirror/debian"
    assert found.base("debian-security") == "http://127.0.0.1/mirror/debian-security"
    monkeypatch.setenv("DAGNIX_DEBIAN_SECURITY_MIRROR", "http://127.0.0.1/other")
    assert mirrors.find(tmp_path).base("debian-security") == "http://127.0.0.1/other"
