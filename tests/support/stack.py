"""An instance of the stack for tests, brought up by the commands that users type."""

import json
import os
import secrets
import shlex
import socket
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from support.command import run, typed, wait_until
from support.podman import PROJECT_LABEL, Podman

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ("postgres", "pipes", "daemon", "webserver", "gate")


# Of one question whether a service is healthy.
PATIENCE_SECONDS = 30
# Below those that Linux gives to outgoing connections (net.ipv4.ip_local_port_range), as any of
# these may be taken by the time that a service listens.
PORTS = range(20000, 32768)


# One for each process of tests, so that none is given twice before anything listens on it.
SLICES = 32
_given: set[int] = set()


def free_port() -> int:
    """Return a port of 127.0.0.1 that nothing listens on; who asks again gets another one."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    while True:
        port = secrets.choice(PORTS[worker % SLICES :: SLICES])
        if port in _given:
            continue
        _given.add(port)
        with socket.socket() as listener, suppress(OSError):
            listener.bind(("127.0.0.1", port))
            return port


# Others come and go meanwhile.
_PROCESSES = """
from contextlib import suppress
from pathlib import Path
for each in Path("/proc").glob("[0-9]*/comm"):
    with suppress(OSError):
        if each.read_text().strip() == {name!r}:
            print(each.parent.name)
"""


@dataclass(frozen=True)
class Stack:
    """`environment` makes `./dagnix` and podman-compose work on this instance only."""

    podman: Podman
    project: str
    port: int
    secrets: Path
    environment: Mapping[str, str]
    checkout: Path = ROOT
    # What stands before the command.
    before: tuple[str, ...] = ()

    @classmethod
    def new(cls, podman: Podman, folder: Path, checkout: Path = ROOT, **environment: str) -> Self:
        """Name an instance that keeps its secrets in `folder`; nothing is started."""
        project = f"dagnix-test-{secrets.token_hex(4)}"
        port = free_port()
        files = folder / "secrets"
        own = {
            "COMPOSE_PROJECT_NAME": project,
            # Tags of its own: a deploy gives them to other images, and others run beside it.
            "DAGNIX_VERSION": project,
            "DAGNIX_PORT": str(port),
            "DAGNIX_SECRETS_DIR": str(files),
            "DAGNIX_SOCKETS_DIR": str(folder / "sockets"),
            "DAGNIX_BACKUPS_DIR": str(folder / "backups"),
            "DAGNIX_COMPUTE_LOGS_DIR": str(folder / "compute_logs"),
            # A busy host takes its time, and who waits for Postgres is not to give up meanwhile.
            "DAGNIX_WAIT_SECONDS": "600",
            # What users need not wait for, tests need even less.
            "DAGNIX_LOOK_SECONDS": "5",
            "DAGNIX_ALERT_LOOK_SECONDS": "5",
            "NO_COLOR": "1",
        }
        all_of_it = {**podman.environment, **own, **environment}
        return cls(podman, project, port, files, all_of_it, checkout)

    @property
    def sockets(self) -> Path:
        """The folder of its Unix sockets on the host."""
        return Path(self.environment["DAGNIX_SOCKETS_DIR"]) / self.project

    @property
    def url(self) -> str:
        """The dashboard's address."""
        return f"http://127.0.0.1:{self.port}"

    def dagnix(
        self, *words: str, check: bool = True, stdin: str | None = None, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run ./dagnix."""
        typed.add(shlex.join(["./dagnix", *self.before, *words]))
        command = [self.checkout / "dagnix", *self.before, *words]
        try:
            return run(command, env={**self.environment, **environment}, check=check, stdin=stdin)
        except subprocess.TimeoutExpired:
            self.print_containers()
            raise

    def print_containers(self) -> None:
        """Print how each container is and what it has said last, for who reads of a failure."""
        label = f"--filter=label={PROJECT_LABEL}={self.project}"
        print(self.podman("ps", "--all", label, check=False).stdout)
        for name in self.podman("ps", "--all", label, "--format={{.Names}}").stdout.split():
            said = self.podman("logs", "--tail=20", name, check=False)
            print(f"{name}:\n{said.stdout}{said.stderr}")

    def start_dagnix(self, *words: str) -> subprocess.Popen[str]:
        """Start ./dagnix in a process group of its own."""
        return subprocess.Popen(
            [self.checkout / "dagnix", *self.before, *words],
            env={**os.environ, **self.environment},
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def compose(self, *words: str, **environment: str) -> None:
        """Run podman-compose in the checkout, as the README shows it."""
        typed.add(shlex.join(["nix", "develop", "-c", "podman-compose", *words]))
        run(["podman-compose", *words], env={**self.environment, **environment}, cwd=self.checkout)

    def container(self, service: str) -> str:
        """Return the name of a service's container."""
        return f"{self.project}_{service}_1"

    def draining(self) -> list[str]:
        """Return the names of the pipes containers that another one has followed."""
        label = f"--filter=label={PROJECT_LABEL}={self.project}"
        names = self.podman("ps", "--all", label, "--format={{.Names}}").stdout.split()
        return [name for name in names if name.endswith("-draining")]

    def identifiers(self) -> dict[str, str]:
        """Return container IDs by service."""
        return {name: self.podman.inspect(self.container(name))["Id"] for name in SERVICES}

    def exec(
        self, service: str, *words: str, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run a program in a service's container."""
        return self.podman("exec", self.container(service), *words, check=check)

    def health(self, service: str, patience: int = 0) -> tuple[bool, str]:
        """Ask a service's health check whether it is well, and what it says.

        It may take `patience` seconds to become so.
        """
        program = ("gate", "health") if service == "gate" else ("runtime", "health", service)
        words = (f"/opt/dagster/bin/{program[0]}", *program[1:], str(patience))
        done = self.exec(service, *words, check=False)
        return done.returncode == 0, (done.stdout + done.stderr).strip()

    def wait_for_health(self, *services: str) -> None:
        """Wait until services are healthy."""
        for service in services:
            # The program in the container asks again by itself, for a tenth of podman's CPU.
            wait_until(
                lambda name=service: self.health(name, PATIENCE_SECONDS)[0], f"{service} is healthy"
            )

    def python(self, service: str, code: str) -> str:
        """Run Python code in a service's container; return what it printed, "" if it failed."""
        done = self.exec(service, "python3.13", "-c", code, check=False)
        return done.stdout if done.returncode == 0 else ""

    def processes(self, service: str, name: str) -> list[int]:
        """Return the processes of this name in a service's container."""
        return [int(each) for each in self.python(service, _PROCESSES.format(name=name)).split()]

    def status(self) -> dict[str, Any]:
        """Return the services of `./dagnix status --json` by name."""
        return {row["service"]: row for row in self.report()["services"]}

    def report(self) -> dict[str, Any]:
        """Return what `./dagnix status --json` tells."""
        done = self.dagnix("status", "--json", check=False)
        assert done.stdout, done.stderr
        return json.loads(done.stdout)

    def write_secret(self, name: str, password: str) -> None:
        """Put a password where ./dagnix would put a random one."""
        self.secrets.mkdir(mode=0o700, exist_ok=True)
        path = self.secrets / name
        path.unlink(missing_ok=True)
        path.write_text(password)
        path.chmod(0o444)

    def sql(self, query: str) -> str:
        """Run a query as the superuser, through the socket; rows are lines, columns `|`."""
        psql = ("/usr/lib/postgresql/17/bin/psql", "--host=/run/postgresql", "--username=postgres")
        return self.exec("postgres", *psql, "-AtqX", "--command", query, "dagster").stdout.strip()


@dataclass(frozen=True)
class Plain:
    """A stack whose tests leave its code alone."""

    stack: Stack

    def code(self) -> str:
        """Say that nobody changes the code."""
        return "as at first"

    def restore(self) -> None:
        """Do nothing: there is nothing to bring back."""
