"""Prometheus, Debian's package, as a process on this host."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

from dagnix.testing import debian
from support.command import wait_until
from support.stack import free_port


@dataclass(frozen=True)
class Prometheus:
    """One that serves; `url` has no slash in the end."""

    url: str

    def ask(self, path: str, **parameters: str) -> Any:
        """Return the data that its API answers with."""
        with urlopen(f"{self.url}/api/v1/{path}?{urlencode(parameters)}") as answer:  # noqa: S310 - HTTP
            said = json.load(answer)
        assert said["status"] == "success", said
        return said["data"]

    def values(self, query: str) -> list[float]:
        """Return the values of an instant query, one for each series."""
        return [float(each["value"][1]) for each in self.ask("query", query=query)["result"]]

    def errors(self) -> list[str]:
        """Return why the targets could not be read the last time."""
        return [each["lastError"] for each in self.ask("targets")["activeTargets"]]


@contextmanager
def prometheus(folder: Path, settings: str) -> Iterator[Prometheus]:
    """Serve with the text of prometheus.yml, and data in `folder`."""
    (folder / "package").mkdir()
    program = debian.program("prometheus", folder / "package")
    (folder / "prometheus.yml").write_text(settings)
    address = f"127.0.0.1:{free_port()}"
    log = (folder / "prometheus.log").open("wb")
    process = subprocess.Popen(
        [
            program,
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address={address}",
        ],
        stdout=log,
        stderr=log,
        cwd=folder,
    )
    try:
        wait_until(lambda: _is_ready(address), "Prometheus is ready")
        yield Prometheus(f"http://{address}")
    finally:
        process.terminate()
        process.wait()
        log.close()


def _is_ready(address: str) -> bool:
    try:
        with urlopen(f"http://{address}/-/ready"):
            return True
    except OSError:  # of urllib, or of a connection that ends without an answer
        return False
