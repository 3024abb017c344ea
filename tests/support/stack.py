"""An instance of the stack for tests, brought up by the commands that users type."""

import json
import secrets
import socket
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from support.command import run, wait_until
from support.podman import Podman

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ("postgres", "pipes", "daemon", "webserver")


def free_port() -> int:
    """Return a port of 127.0.0.1 that nothing listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@dataclass(frozen=True)
class Stack:
    """`environment` makes `./dagnix` and podman-compose work on this instance only."""

    podman: Podman
    project: str
    port: int
    secrets: Path
    environment: Mapping[str, str]

    @classmethod
    def new(cls, podman: Podman, folder: Path, **environment: str) -> Self:
        """Name an instance that keeps its secrets in `folder`; nothing is started."""
        project = f"dagnix-test-{secrets.token_hex(4)}"
        port = free_port()
        files = folder / "secrets"
        own = {
            "COMPOSE_PROJECT_NAME": project,
            "DAGNIX_PORT": str(port),
            "DAGNIX_SECRETS_DIR": str(files),
            "NO_COLOR": "1",
        }
        return cls(podman, project, port, files, {**podman.environment, **own, **environment})

    @property
    def url(self) -> str:
        """The dashboard's address."""
        return f"http://127.0.0.1:{self.port}"

    def dagnix(
        self, *words: str, check: bool = True, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run ./dagnix."""
        env = {**self.environment, **environment}
        return run([ROOT / "dagnix", *words], env=env, check=check)

    def compose(self, *words: str, **environment: str) -> None:
        """Run podman-compose in the checkout, as the README shows it."""
        run(["podman-compose", *words], env={**self.environment, **environment}, cwd=ROOT)

    def container(self, service: str) -> str:
        """Return the name of a service's container."""
        return f"{self.project}_{service}_1"

    def identifiers(self) -> dict[str, str]:
        """Return container IDs by service."""
        return {name: self.podman.inspect(self.container(name))["Id"] for name in SERVICES}

    def exec(
        self, service: str, *words: str, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run a program in a service's container."""
        return self.podman("exec", self.container(service), *words, check=check)

    def health(self, service: str) -> tuple[bool, str]:
        """Ask a service's health check whether it is well, and what it says."""
        done = self.exec(service, "/opt/dagster/bin/runtime", "health", service, check=False)
        return done.returncode == 0, (done.stdout + done.stderr).strip()

    def wait_for_health(self, *services: str) -> None:
        """Wait until services are healthy."""
        for service in services:
            wait_until(lambda name=service: self.health(name)[0], f"{service} is healthy")

    def python(self, service: str, code: str) -> str:
        """Run Python code in a service's container; return what it printed, "" if it failed."""
        done = self.exec(service, "python3.13", "-c", code, check=False)
        return done.stdout if done.returncode == 0 else ""

    def status(self) -> dict[str, Any]:
        """Return the rows of `./dagnix status --json` by service."""
        rows = json.loads(self.dagnix("status", "--json", check=False).stdout)
        return {row["service"]: row for row in rows}

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
