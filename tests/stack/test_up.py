"""`./dagnix up`, and what it brought up."""

import json
import os
from pathlib import Path

import jsonschema
import pytest
from support import reach
from support.command import wait_until
from support.markdown import Page
from support.podman import Podman, Workbench
from support.stack import ROOT, SERVICES, Stack

from dagnix.stack import sockets

# Beside those with an image of their own, and whose image they have.
OTHERS = {"backup": "postgres", "alerts": "daemon"}
WATCH = Page(Path("docs/howto/watch.md"))


def test_a_second_up_leaves_everything_as_it_is(stack: Stack) -> None:
    before = stack.identifiers()
    done = stack.dagnix("up")
    assert done.stdout.strip() == stack.url
    assert all(f"{name} is healthy" in done.stderr for name in SERVICES)
    assert stack.identifiers() == before
    assert "Building" not in done.stderr
    assert "The job example ran" not in done.stderr


def test_plain_podman_compose_changes_nothing_after_dagnix_up(stack: Stack) -> None:
    before = stack.identifiers()
    stack.compose("up", "--detach")
    assert stack.identifiers() == before


@WATCH.run_by("./dagnix status", "./dagnix status --json")
def test_status_tells_how_the_instance_is(stack: Stack, podman: Podman) -> None:
    shown = stack.dagnix(*WATCH.typed("./dagnix status", {}).split()[1:]).stdout
    assert "0 in the queue, 0 in flight" in shown
    report = json.loads(stack.dagnix(*WATCH.typed("./dagnix status --json", {}).split()[1:]).stdout)
    jsonschema.validate(
        report, json.loads((ROOT / "docs/reference/status.schema.json").read_text())
    )
    assert (report["url"], report["healthy"]) == (f"http://127.0.0.1:{stack.port}", True)
    (location,) = report["locations"]
    digest = podman.inspect(stack.container("pipes"))["ImageDigest"]
    assert (location["location"], location["served"], location["digest"]) == ("pipes", True, digest)
    assert report["runs"]["queued"] == 0
    held = {name for disk in report["disks"] for name in disk["holds"]}
    assert {"postgres-data", "pipes-data", "compute logs", "Nix store"} <= held
    rows = {row["service"]: row for row in report["services"]}
    assert rows.keys() == {*SERVICES, *OTHERS}
    for name, row in rows.items():
        assert row["healthy"], row["says"]
        image = OTHERS.get(name, name)
        assert row["image"].startswith(f"localhost/dagnix/{image}:")
        assert row["digest"].startswith("sha256:")
        assert row["uptime"] > 0
        assert row["restarts"] == podman.inspect(stack.container(name))["RestartCount"]


def test_a_shell_with_tools_is_beside_a_container_that_has_none(stack: Stack) -> None:
    before = stack.identifiers()
    look = "ps; ls /proc/1/root/opt/dagster/bin; ls /run/dagnix || exit 3"
    done = stack.dagnix("debug", "webserver", "--", "sh", "-c", look, check=False)
    assert done.returncode == 3, done.stderr
    assert "dagster_dagnix.webserver" in done.stdout
    assert "\nruntime\n" in done.stdout
    assert stack.identifiers() == before
    refused = stack.dagnix("debug", "web", check=False)
    assert refused.returncode == 1
    assert "has no web that runs: it has alerts, backup, daemon, gate" in refused.stderr


def test_secrets_are_two_random_files_that_only_their_owner_gets_at(stack: Stack) -> None:
    files = [path for path in stack.secrets.iterdir() if path.is_file()]
    passwords = {path.name: path.read_text().strip() for path in files}
    assert passwords.keys() == {"dagster-password", "storage-password"}
    assert len(set(passwords.values())) == 2
    assert all(len(password) >= 32 for password in passwords.values())
    assert stack.secrets.stat().st_mode & 0o777 == 0o700


def test_only_the_dashboard_has_a_port_and_only_on_loopback(stack: Stack, podman: Podman) -> None:
    published = {}
    for service in SERVICES:
        ports = podman.inspect(stack.container(service))["HostConfig"]["PortBindings"] or {}
        # An image's ports are listed too, without a place on the host.
        published |= {(service, port): places for port, places in ports.items() if places}
    here = {"HostIp": "127.0.0.1", "HostPort": str(stack.port)}
    assert published == {("gate", "3000/tcp"): [here]}


@pytest.mark.skipif(os.geteuid() != 0, reason="without root the bridges are out of sight")
def test_the_bridges_keep_their_addresses(stack: Stack, podman: Podman) -> None:
    name = f"{stack.project}_outside"
    bridge = podman("network", "inspect", "--format", "{{.NetworkInterface}}", name)
    bridge = bridge.stdout.strip()
    # NET_ADDR_SET of linux/netdevice.h; 1 is a random one, which the next container may change.
    assert Path("/sys/class/net", bridge, "addr_assign_type").read_text().strip() == "3"


LISTENING = """
for name in ("tcp", "tcp6", "udp", "udp6"):
    for line in open(f"/proc/net/{name}").read().splitlines()[1:]:
        words = line.split()
        if words[3] == "0A" or name.startswith("udp"):  # TCP_LISTEN
            print(name, words[1])
"""


def test_nothing_but_the_gate_listens_on_a_network(stack: Stack, podman: Podman) -> None:
    for service in ("postgres", "backup", "daemon", "webserver"):
        seen = podman.inspect(stack.container(service))
        assert seen["HostConfig"]["NetworkMode"] == "none", service
    listening = {
        service: stack.python(service, LISTENING).split()
        for service in ("alerts", "pipes", "daemon", "webserver")
    }
    assert listening == {"alerts": [], "pipes": [], "daemon": [], "webserver": []}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
def test_no_other_user_of_the_host_connects_to_a_socket(stack: Stack) -> None:
    there = reach.sockets(stack.sockets, 0)
    assert {name.partition("/")[0] for name in there} == {"pipes", *sockets.SERVICES}
    assert set(there.values()) == {"connected"}
    others = reach.sockets(stack.sockets, reach.CONTAINERS_USER)
    assert others == dict.fromkeys(there, "PermissionError")


def address(podman: Podman, container: str) -> str:
    (network,) = podman.inspect(container)["NetworkSettings"]["Networks"].values()
    return network["IPAddress"]


def test_networks_reach_the_gate_alone(
    stack: Stack, podman: Podman, workbench: Workbench, images: dict[str, str]
) -> None:
    gate, pipes = (address(podman, stack.container(name)) for name in ("gate", "pipes"))
    code = reach.dial(gate, pipes)
    network = f"--network={workbench.network(internal=False)}"
    python = ("--rm", network, "--entrypoint=python3.13")
    said = {
        "a pipeline": json.loads(stack.python("pipes", code)),
        "another network": json.loads(
            workbench.run(images["pipes"], "-c", code, options=python).stdout
        ),
    }
    if os.geteuid() == 0:  # without root the host has no way to the containers' addresses
        said["the host"] = reach.dialled(code)
        said["a neighbour"] = json.loads(reach.as_neighbour(code))
    for where, reached in said.items():
        assert [to for to, how in reached.items() if how == "connected"] == [f"{gate}:3000"], where
    # Nobody has to log in here: who says that he is the host is not believed.
    answers = [stack.python("pipes", reach.ask("gate"))]
    if os.geteuid() == 0:
        answers.append(reach.as_neighbour(reach.ask(gate)))
    for answer in answers:
        assert answer.startswith(
            "403 Refused: while nobody has to log in, the dashboard is for the host"
        )


def test_a_service_that_ends_is_started_again(stack: Stack, podman: Podman) -> None:
    before = podman.inspect(stack.container("webserver"))["RestartCount"]
    # From inside: `podman kill` counts as a wish, such a container stays down.
    stack.python("webserver", "import os, signal; os.kill(1, signal.SIGTERM)")
    wait_until(
        lambda: podman.inspect(stack.container("webserver"))["RestartCount"] == before + 1,
        "the webserver is started again",
    )
    stack.wait_for_health("webserver")
