"""What a user or a host gets wrong, and what Dagnix says then."""

import socket

from support.command import wait_until
from support.podman import Podman
from support.served import Served
from support.stack import Stack


def test_a_port_that_is_in_use_is_named_before_anything_starts(
    new_stack: Stack, podman: Podman
) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", new_stack.port))
        other.listen()
        done = new_stack.dagnix("up", check=False)
    assert done.returncode != 0
    assert f"Port {new_stack.port} of 127.0.0.1 is in use" in done.stderr
    assert "Traceback" not in done.stderr
    assert not any(podman.leftovers(new_stack.project).values())


def test_services_that_start_without_postgres_wait_for_it(stack: Stack, podman: Podman) -> None:
    others = ("webserver", "daemon", "pipes")
    for service in ("postgres", *others):
        podman("stop", "--time=60", stack.container(service))
    for service in others:
        podman("start", stack.container(service))
    healthy, says = stack.health("daemon")
    assert not healthy
    assert "postgres" in says.lower()
    podman("start", stack.container("postgres"))
    stack.wait_for_health("postgres", *others)
    for service in others:
        assert podman.inspect(stack.container(service))["RestartCount"] == 0, "it gave up"


def test_code_that_does_not_import_is_told_with_file_and_line(
    mounted: Served, podman: Podman
) -> None:
    stack = mounted.stack
    others = stack.identifiers()
    mounted.save("", "import dagster as dg\n\nimport no_such_module\n")
    podman("restart", "--time=60", stack.container("pipes"))

    def only_pipes_is_sick() -> str | None:
        sick = {name: row["says"] for name, row in stack.status().items() if not row["healthy"]}
        named = sick.keys() == {"pipes"} and "no_such_module" in sick["pipes"]
        return sick["pipes"] if named else None

    says = wait_until(only_pipes_is_sick, "status says that only pipes is sick, and why")
    assert "team.py, line 3" in says
    assert stack.dagnix("status", check=False).returncode == 1
    assert stack.identifiers() == others, "no container was made anew"
