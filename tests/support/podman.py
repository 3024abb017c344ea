"""Podman, as the tests use it."""

import json
import secrets
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support.command import run

PROJECT_LABEL = "io.podman.compose.project"


@dataclass(frozen=True)
class Podman:
    """`environment` is what podman needs on this host."""

    environment: Mapping[str, str]

    def __call__(
        self, *words: str | Path, check: bool = True, stdin: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run podman."""
        return run(["podman", *words], env=self.environment, check=check, stdin=stdin)

    def inspect(self, container: str) -> dict[str, Any]:
        """Return what podman knows about a container."""
        return json.loads(self("container", "inspect", container).stdout)[0]

    def logs(self, container: str) -> str:
        """Return what a container wrote, stdout and stderr."""
        done = self("logs", container)
        return done.stdout + done.stderr

    def leftovers(self, project: str) -> list[str]:
        """Return the names of a project's containers, volumes and networks."""
        found: list[str] = []
        for kind, name in (("container", "Names"), ("volume", "Name"), ("network", "Name")):
            words = [kind, "ls", "--filter", f"label={PROJECT_LABEL}={project}"]
            words += ["--all"] if kind == "container" else []
            found += self(*words, "--format", f"{{{{.{name}}}}}").stdout.split()
        return found

    def remove(self, project: str) -> None:
        """Remove all that carries the project's label, whatever state it is in."""
        for kind in ("container", "volume", "network"):
            words = [kind, "ls", "--quiet", "--filter", f"label={PROJECT_LABEL}={project}"]
            words += ["--all"] if kind == "container" else []
            if found := self(*words).stdout.split():
                self(kind, "rm", "--force", *found)


@dataclass(frozen=True)
class Workbench:
    """Containers, volumes and networks under a name of their own, for tests of single images."""

    podman: Podman
    name: str = field(default_factory=lambda: f"dagnix-test-{secrets.token_hex(4)}")

    @property
    def label(self) -> str:
        """Marks everything that is to be removed in the end."""
        return f"--label={PROJECT_LABEL}={self.name}"

    def network(self) -> str:
        """Make an internal network and return its name."""
        self.podman("network", "create", "--internal", self.label, self.name)
        return self.name

    def volume(self, purpose: str) -> str:
        """Make a volume and return its name."""
        name = f"{self.name}-{purpose}"
        self.podman("volume", "create", self.label, name)
        return name

    def run(
        self, image: str, *command: str, options: tuple[str, ...] = (), check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run an image as compose.yaml does: read-only, without capabilities or new privileges."""
        hardened = ["--read-only", "--cap-drop=all", "--security-opt=no-new-privileges"]
        words = ["run", "--pull=never", self.label, *hardened, *options]
        return self.podman(*words, image, *command, check=check)

    def python(self, image: str, code: str, *options: str) -> str:
        """Run Python code in an image and return what it printed."""
        options = ("--rm", "--network=none", "--entrypoint=python3.13", *options)
        return self.run(image, "-c", code, options=options).stdout
