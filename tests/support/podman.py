"""Podman, as the tests use it."""

import json
import secrets
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support.command import run, wait_until

PROJECT_LABEL = "io.podman.compose.project"
# What tests make beside a stack; its value is a project's or a workbench's name.
TEST_LABEL = "dagnix.test"


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

    def process(self, container: str) -> int:
        """Return the first process of a container, once it has one: it may be starting again."""
        return wait_until(
            lambda: self.inspect(container)["State"]["Pid"], f"{container} has a process"
        )

    def kill(self, *containers: str) -> None:
        """Kill containers and wait for their end; podman starts none of them again by itself."""
        self("kill", *containers)
        self("wait", *containers)

    def logs(self, container: str) -> str:
        """Return what a container wrote, stdout and stderr."""
        done = self("logs", container)
        return done.stdout + done.stderr

    def lines(self, container: str) -> list[str]:
        """Return the lines that a container wrote to stdout, and then those to stderr."""
        done = self("logs", container)
        return [line for text in (done.stdout, done.stderr) for line in text.split("\n") if line]

    def leftovers(self, name: str, *labels: str) -> dict[str, list[str]]:
        """Return containers, volumes and networks with a label (the project's by default)."""
        kinds = ("container", "volume", "network")
        return {kind: self._labelled(kind, name, *labels or (PROJECT_LABEL,)) for kind in kinds}

    def _labelled(self, kind: str, name: str, *labels: str) -> list[str]:
        options = ["--all"] if kind == "container" else []
        return [
            found
            for label in labels
            for found in self(
                kind, "ls", *options, "--quiet", f"--filter=label={label}={name}"
            ).stdout.split()
        ]

    def images(self, tag: str) -> set[str]:
        """Return the names of the images whose tag is, or begins with, this one."""
        # Of all images it could not tell while another test removes one.
        of_it = f"--filter=reference=*/*/*:{tag}*"
        listed = self._images(of_it, "--format={{.Repository}}:{{.Tag}}")
        return {each for each in listed if each.partition(":")[2].startswith(tag)}

    def labelled(self, label: str) -> set[str]:
        """Return the IDs of the images with a label."""
        return set(self._images("--quiet", f"--filter=label={label}"))

    def _images(self, *words: str) -> list[str]:
        # It fails if an image goes before podman has looked at it.
        done = wait_until(
            lambda: None if (said := self("images", *words, check=False)).returncode else said,
            "podman lists images",
        )
        return done.stdout.split()

    def remove(self, name: str) -> None:
        """Remove all that carries a name in its labels, whatever state it is in, and its images.

        Those are the ones whose tag is, or begins with, the name: `./dagnix deploy` keeps some so.
        """
        for kind in ("container", "volume", "network"):
            wait_until(lambda each=kind: self._removed(each, name), f"each {kind} of {name} goes")
        for image in self.images(name):
            self("image", "rm", image, check=False)

    def _removed(self, kind: str, name: str) -> bool:
        """Remove what carries a name; tell if nothing does: on a busy host it may need a while."""
        found = self._labelled(kind, name, PROJECT_LABEL, TEST_LABEL)
        at_once = ["--time=0"] if kind == "container" else []
        return (
            not found or not self(kind, "rm", "--force", *at_once, *found, check=False).returncode
        )


@dataclass(frozen=True)
class Workbench:
    """Containers, volumes and networks under a name of their own, for tests of single images."""

    podman: Podman
    name: str = field(default_factory=lambda: f"dagnix-test-{secrets.token_hex(4)}")

    @property
    def label(self) -> str:
        """Marks everything that is to be removed in the end."""
        return f"--label={TEST_LABEL}={self.name}"

    def network(self, *, internal: bool = True) -> str:
        """Make a network, from which nothing leads out if it is internal; return its name."""
        options = ["--internal"] if internal else []
        self.podman("network", "create", *options, self.label, self.name)
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
