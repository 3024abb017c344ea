import dataclasses
import tomllib
from pathlib import Path

import pytest

from dagnix import UserError
from dagnix.host.containers_conf import as_toml, environment, folder, merged, needed, read
from dagnix.host.probe import PodmanHost, cgroups_are_hybrid

PLAIN = PodmanHost(
    podman=(4, 3),
    open_files=None,
    processes=None,
    hybrid_cgroups=False,
    crun=True,
    runc=True,
    netavark=True,
    cni=False,
    vfs=False,
)
HARSH = dataclasses.replace(PLAIN, open_files=20000, processes=96365, hybrid_cgroups=True, cni=True)


@pytest.fixture(autouse=True)
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of Dagnix's own file, of a user who has none."""
    folder = tmp_path / "written"
    monkeypatch.setattr("dagnix.host.containers_conf.folder", lambda: folder)
    monkeypatch.setattr("dagnix.host.containers_conf.config_folders", lambda *, home_too: [])  # noqa: ARG005
    monkeypatch.delenv("CONTAINERS_CONF", raising=False)
    monkeypatch.delenv("CONTAINERS_CONF_OVERRIDE", raising=False)
    return folder


def test_a_plain_host_needs_nothing(written: Path) -> None:
    assert environment(PLAIN) == {}
    assert not written.exists()


def test_the_file_that_podman_was_given_stays_as_it_was(
    written: Path, checkout: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Podman reads it whenever it starts a container again that has ended."""
    file = Path(environment(HARSH)["CONTAINERS_CONF"])
    before = file.read_text()
    assert file.parent == written
    own = tmp_path / "own.conf"
    own.write_text("[engine]\nimage_parallel_copies = 2\n")
    monkeypatch.setenv("CONTAINERS_CONF", str(own))
    assert environment(HARSH)["CONTAINERS_CONF"] != str(file)
    assert file.read_text() == before
    monkeypatch.undo()
    for root in (True, False):
        monkeypatch.setattr("os.geteuid", lambda root=root: 0 if root else 1000)
        assert not folder().is_relative_to(checkout)


def test_a_harsh_host_needs_limits_runtime_and_network() -> None:
    assert needed(HARSH, {}) == {
        "containers": {"default_ulimits": ["nofile=20000:20000", "nproc=32768:32768"]},
        "engine": {"runtime": "runc"},
        "network": {"network_backend": "netavark"},
    }


def test_what_the_user_has_set_is_left_alone() -> None:
    own = {
        "containers": {"default_ulimits": []},
        "engine": {"runtime": "crun"},
        "network": {"network_backend": "cni"},
    }
    assert needed(HARSH, own) == {}


def test_podman_5_knows_its_limits_and_no_cni() -> None:
    assert set(needed(dataclasses.replace(HARSH, podman=(5, 4)), {})) == {"engine"}


def test_runc_is_only_chosen_where_it_is_installed_and_crun_would_be_taken() -> None:
    for change in ({"runc": False}, {"crun": False}, {"hybrid_cgroups": False}):
        assert "engine" not in needed(dataclasses.replace(HARSH, **change), {})


def test_old_podman_gets_the_users_settings_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "own.conf"
    own.write_text('[engine]\nimage_parallel_copies = 2\n[engine.runtimes]\nx = ["/bin/x"]\n')
    monkeypatch.setenv("CONTAINERS_CONF", str(own))
    found = environment(HARSH)
    written = Path(found["CONTAINERS_CONF"])
    assert "CONTAINERS_CONF_OVERRIDE" not in found
    settings = tomllib.loads(written.read_text())
    assert settings["engine"] == {
        "image_parallel_copies": 2,
        "runtime": "runc",
        "runtimes": {"x": ["/bin/x"]},
    }


def test_newer_podman_gets_an_override() -> None:
    found = environment(dataclasses.replace(HARSH, podman=(4, 5)))
    assert tomllib.loads(Path(found["CONTAINERS_CONF_OVERRIDE"]).read_text())["engine"] == {
        "runtime": "runc"
    }
    assert "CONTAINERS_CONF" not in found


def test_its_own_file_does_not_count_as_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    first = environment(HARSH)
    monkeypatch.setenv("CONTAINERS_CONF", first["CONTAINERS_CONF"])
    assert environment(HARSH) == first


def test_the_file_stays_for_shells_that_use_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = environment(HARSH)
    own = tmp_path / "own.conf"
    own.write_text(Path(first["CONTAINERS_CONF"]).read_text())
    monkeypatch.setenv("CONTAINERS_CONF", str(own))
    assert "CONTAINERS_CONF" not in environment(HARSH)
    assert Path(first["CONTAINERS_CONF"]).is_file()


def test_files_that_are_not_toml_are_named(tmp_path: Path) -> None:
    path = tmp_path / "containers.conf"
    path.write_text("[engine\n")
    with pytest.raises(UserError, match=f"^{path} is not valid TOML"):
        read([path])


def test_toml_is_read_back_as_written() -> None:
    settings = {
        "containers": {"annotations": [], "env": ['A="b"', "C=ü\\"], "pids_limit": 0},
        "engine": {"runtimes": {"kata-v2": ["/k"]}, "odd key": {"x": True}},
        "array": [{"append": True}],
    }
    assert tomllib.loads(as_toml(settings)) == settings


def test_later_files_win_key_by_key() -> None:
    assert merged({"a": {"x": 1, "y": 2}}, {"a": {"y": 3}, "b": {}}) == {
        "a": {"x": 1, "y": 3},
        "b": {},
    }


def test_hybrid_cgroups() -> None:
    first = "cgroup /sys/fs/cgroup/cpu cgroup rw 0 0\n"
    second = "cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n"
    assert cgroups_are_hybrid(first + second)
    assert not cgroups_are_hybrid(first)
    assert not cgroups_are_hybrid(second)


def test_a_users_first_storage_is_not_vfs() -> None:
    fresh = dataclasses.replace(PLAIN, vfs=True)
    assert environment(fresh) == {"STORAGE_DRIVER": "overlay"}
    assert environment(dataclasses.replace(fresh, podman=(4, 5))) == {}
