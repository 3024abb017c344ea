"""What a reboot, a logout, a clock and a full disk do to the stack, on Debian 13 with systemd."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from dagster import DagsterRunStatus
from dagster_graphql import DagsterGraphQLClient
from support.command import wait_until
from support.dashboard import Dashboard
from support.machine import ACCELERATOR, PATIENCE_SECONDS, USER, Machine
from support.markdown import Page

# What each service may take to become healthy: an emulated processor is many times slower.
WAIT = 120 if ACCELERATOR == "kvm" else PATIENCE_SECONDS
PORT = 3000
LOGGED_OUT_SECONDS = 30
RELEASE = "/var/lib/dagster/release"
PAGE = Page(Path("docs/howto/boot.md"))


@dataclass(frozen=True)
class Instance:
    """The stack of one user on the machine."""

    machine: Machine
    user: str

    def run(self, command: str, *, check: bool = True) -> str:
        """Run a command in the checkout; return what it printed."""
        return self.machine.run(command, self.user, check=check).stdout

    def status(self) -> dict[str, Any]:
        """Return the services of `./dagnix status --json` by name; nothing if it does not tell."""
        said = self.run("./dagnix status --json", check=False)
        return {row["service"]: row for row in json.loads(said)["services"]} if said else {}

    def is_well(self) -> bool:
        """Tell whether `./dagnix status` is content."""
        return self.machine.answers("cd ~/dagnix && ./dagnix status", self.user)

    def wait_until_well(self) -> None:
        """Wait until it is."""
        wait_until(self.is_well, "all is well", PATIENCE_SECONDS)

    def launch(self, job: str) -> str:
        """Launch a job; return the run's ID."""
        with self.machine.forwarded(PORT, self.user) as port:
            return DagsterGraphQLClient("127.0.0.1", port_number=port).submit_job_execution(job)

    def wait_for(self, run: str, *statuses: DagsterRunStatus) -> None:
        """Wait until a run has one of these."""
        with self.machine.forwarded(PORT, self.user) as port:
            client = DagsterGraphQLClient("127.0.0.1", port_number=port)
            reached = lambda: client.get_run_status(run) in statuses  # noqa: E731
            wait_until(reached, f"{run} is {statuses}", PATIENCE_SECONDS)

    def retries(self, run: str) -> list[str]:
        """Return the runs that are retries of a run."""
        with self.machine.forwarded(PORT, self.user) as port:
            return Dashboard(port).retries(run)

    def require_runs(self) -> None:
        """See that a run succeeds."""
        self.wait_for(self.launch("short"), DagsterRunStatus.SUCCESS)


@pytest.fixture(scope="module", params=[USER, "root"])
def instance(machine: Machine, request: pytest.FixtureRequest) -> Iterator[Instance]:
    """The stack of a user who has nobody's help, then root's."""
    made = Instance(machine, request.param)
    machine.run("nix-store --load-db < /host/registration")
    made.run(f"./dagnix up --wait {WAIT}")
    yield made
    made.run("./dagnix boot --remove; ./dagnix down --volumes --yes")


@PAGE.run_by("./dagnix up", "./dagnix boot", "./dagnix doctor", "./dagnix boot --remove")
def test_a_reboot_brings_everything_back(instance: Instance) -> None:
    if instance.user != "root":
        said = instance.machine.run("./dagnix boot", instance.user, check=False)
        # Nobody but root may let a user's systemd run from boot on, where there is no polkit.
        assert f"have root run `loginctl enable-linger {USER}`" in said.stderr
        instance.machine.run(f"loginctl enable-linger {USER}")
    instance.run("./dagnix boot")
    assert "nothing starts the stack" not in instance.run("./dagnix doctor", check=False)
    retried, lost = instance.launch("failing"), instance.launch("long")
    for run in (retried, lost):
        instance.wait_for(run, DagsterRunStatus.STARTED)
    instance.machine.reboot()
    instance.wait_until_well()
    for run in (retried, lost):
        instance.wait_for(run, DagsterRunStatus.FAILURE)
    (second,) = instance.retries(retried)
    assert not instance.retries(lost)
    instance.run(f'podman exec dagnix_pipes_1 python3.13 -c \'open("{RELEASE}", "w")\'')
    instance.wait_for(second, DagsterRunStatus.SUCCESS)
    instance.require_runs()
    instance.run("./dagnix up")
    instance.run("./dagnix boot --remove")
    assert instance.is_well()
    assert "dagnix-dagnix.service starts" not in instance.run("./dagnix doctor", check=False)
    instance.run("./dagnix boot")


def test_a_user_who_logs_out_leaves_the_stack_running(instance: Instance) -> None:
    if instance.user == "root":
        pytest.skip("root's containers belong to no login")
    before = instance.run("podman ps --format '{{.ID}} {{.StartedAt}}'")
    # Each command is a login. Without linger systemd ends all ten seconds after the last one.
    gone = f"! loginctl list-sessions --no-legend | grep -w {USER}"
    wait_until(lambda: instance.machine.answers(gone), "the user is logged out", PATIENCE_SECONDS)
    time.sleep(LOGGED_OUT_SECONDS)
    assert instance.run("podman ps --format '{{.ID}} {{.StartedAt}}'") == before
    assert instance.is_well()
    instance.require_runs()


@pytest.mark.parametrize("name", ["conmon", "rootlessport"])
def test_podmans_own_processes_may_be_killed(instance: Instance, name: str) -> None:
    if name == "rootlessport" and instance.user == "root":
        pytest.skip("root needs none")
    instance.machine.run(f"pkill -KILL -u {instance.user} {name}")
    assert not instance.is_well()
    instance.run(f"./dagnix up --wait {WAIT}")
    assert instance.is_well()
    instance.require_runs()


def test_the_clock_jumps(instance: Instance) -> None:
    for change in ("+1 hour", "-1 hour"):
        instance.machine.run(f"date --set '{change}'")
        instance.wait_until_well()
        instance.require_runs()


def test_the_disk_fills(instance: Instance) -> None:
    room = "df --output=avail -B1 / | tail -n 1"
    fill = f"fallocate -l $(($({room}) - 50000000)) /filler"
    instance.machine.run(fill)
    try:
        rows = instance.status()
        assert not rows["postgres"]["healthy"]
        assert "the disk of the volume postgres-data is full" in rows["postgres"]["says"]
        assert not instance.is_well()
    finally:
        instance.machine.run("rm /filler")
    instance.wait_until_well()
    instance.require_runs()
