"""Debian's docker-registry on loopback, for the bytes that a push takes there."""

import json
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import requests

from bench.services import SERVICES
from dagnix import UserError
from dagnix.host.podman import podman
from dagnix.images import tags
from dagnix.project import Project
from dagnix.testing import debian, scratch

PACKAGE = "docker-registry"
DATA = "registry"  # the folder of what it holds
START_SECONDS = 120
STOP_SECONDS = 10


class Registry:
    """A registry that is empty at first; with the block it goes, and all that it holds."""

    def __init__(self, project: Project) -> None:
        self._project = project

    def __enter__(self) -> Self:
        """Start it.

        Raises:
            UserError: apt does not have it, or it does not start.

        """
        with ExitStack() as stack:
            folder = stack.enter_context(scratch.folder(self._project))
            self.address = f"127.0.0.1:{scratch.free_port()}"
            self._data = folder / DATA
            stack.callback(_stop, self._start(folder, debian.program(PACKAGE, folder)))
            self._wait()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it, and remove its files."""
        self._stack.close()

    def push(self) -> int:
        """Push the three images; return by how many bytes what it holds has grown."""
        before = self.size()
        for service in SERVICES:
            name = tags.name(self._project, service)
            words = ["push", "--quiet", "--tls-verify=false", name]
            failure = f"Podman does not push {name}"
            podman(self._project, *words, f"docker://{self.address}/{service}", failure=failure)
        return self.size() - before

    def size(self) -> int:
        """Return how many bytes of manifests, configurations and layers it holds."""
        return sum(path.stat().st_size for path in self._data.glob("**/blobs/**/data"))

    def _start(self, folder: Path, program: Path) -> subprocess.Popen[bytes]:
        words = serve(program, folder, self.address)
        return subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def _wait(self) -> None:
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            try:
                requests.get(f"http://{self.address}/v2/", timeout=1)
            except requests.RequestException:
                time.sleep(0.1)
            else:
                return
        raise UserError(f"The registry at {self.address} does not start.")


def serve(program: Path, folder: Path, address: str) -> list[str | Path]:
    """Write the settings of a registry that has its data in `folder`; return its command."""
    settings = folder / "registry.yml"
    # YAML takes JSON.
    settings.write_text(
        json.dumps(
            {
                "version": "0.1",
                "log": {"accesslog": {"disabled": True}, "level": "error"},
                "storage": {"filesystem": {"rootdirectory": str(folder / DATA)}},
                "http": {"addr": address},
            }
        )
    )
    return [program, "serve", settings]


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
