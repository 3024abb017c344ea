import dataclasses
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from support.stack import free_port

from dagnix import project
from dagnix.commands.doctor import line
from dagnix.doctor import (
    account,
    boot,
    disk,
    firewall,
    fix,
    nix,
    podman,
    rootless,
    services,
    surroundings,
)
from dagnix.doctor.finding import Finding, note, ok, problem
from dagnix.host.ports import is_port_free
from dagnix.host.probe import PodmanHost

AS_ROOT = "build-users-group ="
NETAVARK = {"network": {"network_backend": "netavark"}}
HYBRID = PodmanHost(
    podman=(4, 3),
    open_files=None,
    processes=None,
    hybrid_cgroups=True,
    crun=True,
    runc=False,
    netavark=True,
    cni=False,
    vfs=False,
)


def start(
    *,
    needs: Mapping[str, Any] | None = None,
    systemd: bool = True,
    podmans: bool = False,
) -> Finding:
    return boot.start(needs or {}, systemd=systemd, podmans=podmans)


@pytest.mark.parametrize(
    ("finding", "state", "says", "cure"),
    [
        (nix.version(None), "problem", "is not installed", "nix-bin"),
        (nix.version("nix (Nix) 2.3.16"), "problem", "is version 2.3", "Nix 2.8 or later"),
        (nix.version("nix (Nix) 2.8.0"), "ok", "version 2.8", ""),
        (nix.flakes({}), "note", "for plain nix commands", "--fix"),
        (nix.flakes({"experimental-features": "flakes nix-command"}), "ok", "are enabled", ""),
        (nix.store("ann", usable=False), "problem", "no nix-daemon serves ann", "nix-users ann"),
        (nix.store("ann", usable=True), "ok", "ann can build", ""),
        (nix.sandbox("false", nix.SEEN), "problem", "is off", "`sandbox = true`"),
        (nix.sandbox("true", nix.SEEN), "problem", "cannot make one", "user.max_user_namespaces"),
        (nix.sandbox("true", "error: no\nerror: full"), "problem", "error: full", "what Nix says"),
        (nix.sandbox("true", ""), "problem", "cannot be tried", "what Nix says"),
        (
            nix.build_users({"build-users-group": "nixbld"}, root=True, group=False),
            "note",
            "root has none",
            "--fix",
        ),
        (
            nix.build_users({"build-users-group": "nixbld"}, root=True, group=True),
            "ok",
            "nothing to do",
            "",
        ),
        (podman.version((4, 2)), "problem", "is version 4.2", "podman 4.3 or later"),
        (podman.helpers(["netavark"]), "problem", "missing: netavark", "apt-get install"),
        (start(systemd=False), "note", "no systemd", "dagnix up"),
        (start(), "note", "nothing starts the stack", "./dagnix boot"),
        (boot.works("x.service", current=True, failed=False), "ok", "x.service starts the", ""),
        (
            boot.works("x.service", current=False, failed=False),
            "problem",
            "another checkout",
            "./dagnix boot",
        ),
        (boot.works("x.service", current=True, failed=True), "problem", "failed", "status x"),
        (start(podmans=True), "ok", "podman-restart.service starts the stack", ""),
        (
            start(podmans=True, needs=NETAVARK),
            "problem",
            "without network_backend of [network]: after a reboot nothing comes back",
            "./dagnix boot",
        ),
        (boot.linger("ann", there=True), "ok", "ann's containers go on", ""),
        (boot.linger("ann", there=False), "note", "is off for ann", "loginctl enable-linger ann"),
        (boot.limit("dagnix-x.service", None, 600), "ok", "for the 600 s", ""),
        (boot.limit("user@1000.service", 660, 600), "ok", "for the 600 s", ""),
        (
            boot.limit("podman-restart.service", 90, 600),
            "note",
            "is 90 s, and a code location may wait 600 s",
            "./dagnix boot",
        ),
        (
            boot.limit("user@1000.service", 120, 600),
            "note",
            "those that take longer are killed",
            "TimeoutStopSec=660",
        ),
        (podman.removed((4, 3), []), "ok", "all that is in use", ""),
        (
            podman.removed((4, 3), ["cgroup v1", "BoltDB"]),
            "note",
            "does without cgroup v1, BoltDB, in use here",
            "boot with cgroup v2 alone",
        ),
        (podman.removed((6, 0), ["iptables"]), "problem", "does without iptables", "nftables"),
        (firewall.judge(""), "ok", "lets containers ask", ""),
        (firewall.judge("firewalld"), "note", "firewalld drops", "--zone=trusted"),
        (podman.settings({}), "ok", "works here as it is", ""),
        (
            podman.settings({"engine": {"runtime": "runc"}}),
            "note",
            '[engine] runtime = "runc"',
            "./dagnix env",
        ),
        (podman.runtime(HYBRID, "crun"), "problem", "crun refuses", "runc"),
        (podman.runtime(HYBRID, "runc"), "ok", "runc", ""),
        (
            podman.runtime(dataclasses.replace(HYBRID, hybrid_cgroups=False), "crun"),
            "ok",
            "crun",
            "",
        ),
        (podman.network("cni"), "problem", "podman uses cni", "netavark"),
        (podman.storage("vfs", told=False), "note", "vfs, which is slow", "podman system reset"),
        (podman.storage("overlay", told=True), "note", "for plain podman", "--fix"),
        (podman.storage("overlay", told=False), "ok", "overlay", ""),
        (
            rootless.ids("ann", "/etc/subuid", 0),
            "problem",
            "ann has 0 subordinate ids",
            "usermod --add-subuids 100000-165535 ann",
        ),
        (rootless.ids("ann", "/etc/subgid", 65536), "ok", "65536", ""),
        (account.judge(10001, None), "ok", "no account", ""),
        (account.judge(10001, "eve"), "note", "eve has its uid on this host, 10001", "usermod"),
        (rootless.mapper(there=False), "problem", "is not installed", "uidmap"),
        (
            rootless.network(rootless.network_program((5, 4)), there=False, tun=True),
            "problem",
            "pasta is not installed",
            "passt",
        ),
        (
            rootless.network(rootless.network_program((4, 9)), there=False, tun=True),
            "problem",
            "slirp4netns is not installed",
            "slirp4netns",
        ),
        (
            rootless.network("pasta", there=True, tun=False),
            "problem",
            "/dev/net/tun",
            "chmod 0666 /dev/net/tun",
        ),
        (surroundings.port(3000, free=False, ours=False), "problem", "in use", "DAGNIX_PORT"),
        (surroundings.port(3000, free=False, ours=True), "ok", "served by a gate", ""),
        (disk.disk("disk", Path("/"), 2**80), "problem", "GiB free at /", "make room"),
        (disk.disk("disk", Path("/no/such/folder"), 1), "ok", "GiB free at", ""),
    ],
)
def test_each_finding_has_its_state_words_and_cure(
    finding: Finding, state: str, says: str, cure: str
) -> None:
    assert finding.state == state
    assert says in finding.says
    assert cure in finding.cure
    assert bool(finding.cure) == (state != "ok")


@pytest.mark.skipif(os.geteuid() != 0, reason="elsewhere a daemon may build, as it is set up")
@pytest.mark.parametrize(
    ("setting", "state", "says"),
    [("true", "ok", "see neither network nor host"), ("false", "problem", "is off: builds see")],
)
def test_a_build_tells_whether_there_is_a_sandbox(
    monkeypatch: pytest.MonkeyPatch, setting: str, state: str, says: str
) -> None:
    monkeypatch.setenv("NIX_CONFIG", f"{AS_ROOT}\nsandbox = {setting}")
    found = nix.sandbox(setting, nix.tried())
    assert found.state == state
    assert says in found.says


@pytest.mark.skipif(os.geteuid() != 0, reason="elsewhere a daemon may build, as it is set up")
def test_a_sandbox_that_nix_goes_without_is_a_problem() -> None:
    """In a user namespace that may make no other, as in many containers."""
    ask = "from dagnix.doctor import nix; print(nix.sandbox('true', nix.tried()))"
    closed = 'echo 0 > /proc/sys/user/max_user_namespaces; exec "$@"'
    command = ["unshare", "--user", "--map-root-user", "sh", "-euc", closed, "closed"]
    sources = Path(__file__).parents[3] / "src"
    shown = subprocess.run(
        [*command, sys.executable, "-c", ask],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(sources), "NIX_CONFIG": AS_ROOT},
    )
    assert "is on, but Nix cannot make one here" in shown.stdout


def test_subordinate_ids_are_found_by_name_and_by_number() -> None:
    text = "bob:100000:65536\nann:165536:1000\n1001:300000:64536\nbroken\n"
    assert rootless.count_ids(text, "ann", 1001) == 65536


def test_the_uid_of_the_services_is_told_where_somebody_has_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = "bob:100000:65536\nann:165536:1000\n1001:300000:64536\n"
    assert account.on_host(text, "root", 0) == 10001
    assert account.on_host(text, "bob", 1000) == 110000
    assert account.on_host(text, "ann", 1001) == 309000
    assert account.on_host("", "ann", 1001) is None
    monkeypatch.setattr(account.os, "geteuid", lambda: 0)
    eve = Mock(pw_name="eve")
    monkeypatch.setattr(account.pwd, "getpwuid", lambda uid: {10001: eve}[uid])
    assert [each.state for each in account.findings("root")] == ["note"]
    monkeypatch.setattr(account.pwd, "getpwuid", lambda uid: {}[uid])
    assert [each.state for each in account.findings("root")] == ["ok"]


def test_credentials_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOPROXY", "https://ann:secret@proxy.example.org")
    assert surroundings.go().says == "https://…@proxy.example.org"


def test_a_port_that_is_listened_on_is_not_free() -> None:
    with surroundings.socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        assert not is_port_free(listener.getsockname()[1])
    assert is_port_free(free_port())


def test_lines_have_their_cure_below() -> None:
    assert line(ok("nix", "version 2.8"), colour=False) == "✓ nix: version 2.8"
    assert line(problem("nix", "is not installed", "get it"), colour=False) == (
        "✗ nix: is not installed\n    cure: get it"
    )
    assert line(note("a", "b"), colour=True).startswith("\033[33m•\033[0m ")


def test_fix_adds_to_nix_conf_and_keeps_what_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "nix").mkdir()
    (tmp_path / "nix" / "nix.conf").write_text("cores = 1")
    (path,) = fix.nix({"flakes", "sandbox"})
    assert path.read_text() == "cores = 1\nextra-experimental-features = nix-command flakes\n"
    assert fix.nix(set()) == []


def test_fix_writes_a_file_of_its_own_beside_the_users(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = dataclasses.replace(HYBRID, runc=True, vfs=True)
    monkeypatch.setattr(fix, "probe", lambda: host)
    monkeypatch.setattr(fix, "own_files", list)
    monkeypatch.setattr(fix, "config_folders", lambda *, home_too: [tmp_path])  # noqa: ARG005
    settings, storage = fix.podman()
    assert settings == tmp_path / "containers.conf.d" / "dagnix.conf"
    assert settings.read_text().endswith('\n[engine]\nruntime = "runc"\n')
    assert storage == tmp_path / "storage.conf"
    assert storage.read_text().endswith('\n[storage]\ndriver = "overlay"\n')


def row(service: str, says: str, *, healthy: bool, warning: str = "") -> dict[str, object]:
    return {"service": service, "says": says, "healthy": healthy, "warning": warning}


def test_the_services_of_a_stack_are_judged_as_status_does() -> None:
    full = "the disk of the volume postgres-data is almost full"
    rows = [
        row("postgres", "answers", healthy=True, warning=full),
        row("daemon", "exited (137) since 2026-11-28 14:01:02", healthy=False),
        row("webserver", "answers", healthy=True),
    ]
    warned, sick, sound = services.judged(rows)
    assert (warned.state, warned.says) == ("note", full)
    assert (sick.state, sick.subject) == ("problem", "service daemon")
    assert "since 2026-11-28" in sick.says
    assert "./dagnix logs daemon" in sick.cure
    assert sound == ok("services", "1 are well")


def test_limits_of_this_host_are_no_matter_of_boot(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert checkout.is_dir()
    monkeypatch.setattr(boot.unit, "has_systemd", lambda: True)
    monkeypatch.setattr(boot.unit, "is_root", lambda: True)
    monkeypatch.setattr(boot.unit, "is_enabled", lambda name: name == boot.PODMANS)
    monkeypatch.setattr(boot, "grace", lambda _: None)
    limits = {"containers": {"default_ulimits": ["nofile=1:1"]}}
    here = project.current()
    assert [each.state for each in boot.findings(here, limits)] == ["ok"]
    assert [each.state for each in boot.findings(here, limits | NETAVARK)] == ["problem"]


def test_what_podman_6_does_without_is_seen() -> None:
    debian_12 = {"cgroupVersion": "v1", "networkBackend": "netavark"}
    assert podman.used(HYBRID, debian_12, root=False, nft=True) == [
        "cgroup v1",
        "slirp4netns",
        "BoltDB",
    ]
    host = dataclasses.replace(HYBRID, podman=(5, 4), hybrid_cgroups=False)
    debian_13 = {
        "cgroupVersion": "v2",
        "networkBackend": "netavark",
        "databaseBackend": "sqlite",
        "rootlessNetworkCmd": "pasta",
    }
    assert podman.used(host, debian_13, root=False, nft=True) == []
    assert podman.used(host, {**debian_13, "networkBackend": "cni"}, root=True, nft=False) == [
        "CNI",
        "iptables",
    ]
    assert set(podman.REMOVED) == {"cgroup v1", "CNI", "slirp4netns", "BoltDB", "iptables"}


@pytest.mark.parametrize(
    ("chains", "policy", "state", "by"),
    [
        ([], "-P INPUT ACCEPT\n", "", ""),
        ([], "-P INPUT DROP\n-A INPUT -i lo -j ACCEPT\n", "", "the chain INPUT of iptables"),
        ([], "", "running\n", "firewalld"),
        ([{"name": "in", "table": "f", "hook": "input", "policy": "accept"}], "", "", ""),
        ([{"name": "out", "table": "f", "hook": "output", "policy": "drop"}], "", "", ""),
        (
            [{"name": "in", "table": "f", "hook": "input", "policy": "drop"}],
            "",
            "",
            "the chain in of nftables' table f",
        ),
    ],
)
def test_a_firewall_that_drops_what_comes_in_is_seen(
    chains: list[dict[str, str]], policy: str, state: str, by: str
) -> None:
    shown = {"nftables": [{"metainfo": {}}, *({"chain": each} for each in chains)]}
    assert firewall.closed(shown, policy, state) == by
