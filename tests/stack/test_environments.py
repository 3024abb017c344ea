"""Two environments of one checkout on one host."""

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from dagster import DagsterRunStatus
from support import checkout
from support.command import wait_until
from support.markdown import Page
from support.podman import Podman
from support.served import Served, serve
from support.stack import SERVICES, Stack

PAGE = Page(Path("docs/howto/environments.md"))
# Opens the instance as the daemon does.
RETENTION = """
import os
from contextlib import suppress
for pid in sorted(map(int, filter(str.isdigit, os.listdir("/proc")))):
    with suppress(OSError):  # others end meanwhile
        words = open(f"/proc/{pid}/cmdline").read().split(chr(0))
        if any(word.endswith("/dagster-daemon") for word in words):
            environment = open(f"/proc/{pid}/environ").read().strip(chr(0)).split(chr(0))
            os.environ.update(variable.split("=", 1) for variable in environment)
from dagster import DagsterInstance
from dagster._core.definitions.run_request import InstigatorType
print(set(DagsterInstance.get().get_tick_retention_settings(InstigatorType.SENSOR).values()))
"""


def describe(podman: Podman, tree: Path, name: str) -> Stack:
    """Write the file of an environment; return the stack that is worked on with it."""
    stack = Stack.new(podman, tree / ".dagnix" / name, tree)
    lines = [
        f"COMPOSE_PROJECT_NAME={stack.project}",
        f"DAGNIX_VERSION={stack.project}",
        f"DAGNIX_PORT={stack.port}",
        f"DAGNIX_SECRETS_DIR=./.dagnix/{name}/secrets",
        "DAGNIX_WEBSERVER_MEMORY=900m",
        "DAGNIX_TICK_DAYS=5",
        "DAGNIX_LOG_FORMAT=json",
    ]
    (tree / "config" / "env" / f"{name}.env").write_text("\n".join(lines) + "\n")
    plain = {**podman.environment, "NO_COLOR": "1"}
    return replace(stack, environment=plain, before=("--env", name))


@pytest.fixture(scope="module")
def pair(
    podman: Podman, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Served, Served]]:
    """The environments `dev` and `staging`: `staging` runs what was built for `dev`."""
    tree = tmp_path_factory.mktemp("environments") / "checkout"
    checkout.write(tree)
    one, two = (describe(podman, tree, name) for name in ("dev", "staging"))
    try:
        one.dagnix("up")
        first = serve(one, tree / "pipes")
        first.save("not built")
        promoted = two.dagnix("up", "--from", "dev")
        assert "Building" not in promoted.stderr
        yield first, serve(two, tree / "pipes")
    finally:
        for stack in (one, two):
            podman.remove(stack.project)


@PAGE.run_by(
    "./dagnix --env staging up --from dev",
    "./dagnix --env staging status",
    "./dagnix --env staging deploy --from dev",
    "nix develop -c podman-compose --env-file config/env/staging.env up -d",
)
def test_images_are_promoted_by_digest(pair: tuple[Served, Served]) -> None:
    one, two = pair

    def digests(served: Served) -> dict[str, str]:
        return {name: row["digest"] for name, row in served.stack.status().items()}

    assert digests(one) == digests(two)
    assert "healthy" in two.stack.dagnix("status").stdout
    # By hand it changes nothing.
    there = two.stack.identifiers()
    two.stack.compose("--env-file", "config/env/staging.env", "up", "-d")
    assert two.stack.identifiers() == there
    one.save("second")
    one.stack.dagnix("deploy")
    assert (one.answer(), two.answer()) == ("second", "first")
    two.stack.dagnix("deploy", "--from", "dev")
    assert two.answer() == "second"
    assert digests(one)["pipes"] == digests(two)["pipes"]
    last = json.loads(two.stack.dagnix("history", "--json").stdout)[-1]
    assert last["how"] == "from dev"
    two.stack.dagnix("rollback")
    assert (one.answer(), two.answer()) == ("second", "first")


def test_they_do_not_see_each_other(pair: tuple[Served, Served], podman: Podman) -> None:
    one, two = pair
    run = one.client.submit_job_execution("short")
    one.team.answer("short", run)
    assert run not in two.team.tags("short")
    sources = [
        {
            mount["Source"]
            for service in SERVICES
            for mount in podman.inspect(served.stack.container(service))["Mounts"]
            if mount["Destination"].startswith("/run/dagnix")
        }
        for served in pair
    ]
    assert all(sources)
    assert not sources[0] & sources[1]
    passwords = [(each.stack.secrets / "dagster-password").read_text() for each in pair]
    assert passwords[0] != passwords[1]
    limit = podman.inspect(two.stack.container("webserver"))["HostConfig"]["Memory"]
    assert limit == 900 << 20
    assert two.stack.exec("daemon", "python", "-c", RETENTION).stdout.strip() == "{5}"


def test_each_line_of_all_logs_is_json(pair: tuple[Served, Served], podman: Podman) -> None:
    """From the first one on, whatever a step prints."""
    one, _ = pair
    run = one.client.submit_job_execution("noisy")
    assert one.team.dashboard.end_of(run) is DagsterRunStatus.FAILURE
    (said,) = wait_until(lambda: of_step(one, podman, run, "exception"), "its error is logged")
    assert said["event_type"] == "STEP_FAILURE"
    assert "ValueError: what it says" in said["exception"]
    messages = [each["message"] for each in of_step(one, podman, run)]
    assert '{"message": {"not": "at its end"' in messages
    assert {"lie", "of a library", "without an end", "logged - as it is", "\ufffd"} <= set(messages)
    assert sum(each.count("x") for each in messages if "x" * 1000 in each) == 100_000
    for service in (*SERVICES, "alerts", "backup"):
        lines = logged(one, podman, service)
        assert lines or service == "backup"  # which has nothing to say until the first one
        for line in lines:
            assert line["service"] == service
            assert dt.datetime.fromisoformat(line["time"]).utcoffset() == dt.timedelta(0)
            assert line["level"] in ("debug", "info", "warning", "error", "critical")
            assert isinstance(line["message"], str)
    assert any(line.get("event") == "change" for line in logged(one, podman, "gate"))
    assert any("waiting for Postgres" in each["message"] for each in logged(one, podman, "daemon"))


def logged(served: Served, podman: Podman, service: str) -> list[dict[str, Any]]:
    """Return the lines of a service, each of which is an object."""
    return [json.loads(line) for line in podman.lines(served.stack.container(service))]


def of_step(served: Served, podman: Podman, run: str, *fields: str) -> list[dict[str, Any]]:
    """Return the lines of the step of a run that have these fields."""
    of_it = {"run_id": run, "job_name": "noisy", "step_key": "rubbish", "location": "pipes"}
    lines = logged(served, podman, "pipes")
    return [each for each in lines if each.items() >= of_it.items() and {*fields} <= each.keys()]


def test_an_environment_that_is_not_there(pair: tuple[Served, Served]) -> None:
    one, _ = pair
    stack = replace(one.stack, before=("--env", "none"))
    refused = stack.dagnix("status", check=False)
    assert refused.returncode == 1
    assert (
        "There is no config/env/none.env: the environments are dev, prod, staging" in refused.stderr
    )
    refused = one.stack.dagnix("deploy", "--from", "dev", check=False)
    assert "dev is this environment itself" in refused.stderr


def test_one_goes_down_and_the_other_stays(pair: tuple[Served, Served]) -> None:
    one, two = pair
    two.stack.dagnix("down", "--volumes", "--yes")
    assert not two.stack.podman.images(two.stack.project)
    assert all(row["healthy"] for row in one.stack.status().values())
