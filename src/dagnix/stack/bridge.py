"""The bridges of the project's networks: their Ethernet addresses are kept as they are.

A bridge without an address of its own has the lowest one among its ports, and so another one
whenever a container with a lower one starts or that container stops. The other containers go on
sending DNS queries to the old one until the kernel doubts its ARP entry: 40 to 48 seconds without
names were seen with netavark 1.4.
"""

import json
import os

from dagnix.host.podman import PROJECT_LABEL, podman, settings
from dagnix.process import run
from dagnix.project import Project


class Bridges:
    """Those of the project's networks as they are now. A bridge comes with its first container."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.unpinned = _bridges(project)

    def pin(self) -> None:
        """Give each bridge the address that it has, after which the kernel leaves it alone.

        A bridge lives as long as a container uses it; pinning it again changes nothing.
        """
        self.unpinned = [name for name in self.unpinned if not self._pin(name)]

    def _pin(self, name: str) -> bool:
        """Tell whether there is such a bridge."""
        seen = json.loads(self._ip("-json", "link", "show", "dev", name, check=False) or "[]")
        for link in seen:
            self._ip("link", "set", "dev", name, "address", link["address"])
        return bool(seen)

    def _ip(self, *words: str, check: bool = True) -> str:
        # A rootless podman has its bridges in a network namespace of its own.
        ip = ["ip"] if os.geteuid() == 0 else ["podman", "unshare", "--rootless-netns", "ip"]
        failure = "The addresses of the stack's bridges cannot be kept"
        return run([*ip, *words], failure, check=check, env=settings()).output


def _bridges(project: Project) -> list[str]:
    failure = "Podman does not list the networks"
    label = f"label={PROJECT_LABEL}={project.name}"
    names = podman(project, "network", "ls", "--quiet", "--filter", label, failure=failure).output
    if not names.split():
        return []
    shown = podman(project, "network", "inspect", *names.split(), failure=failure).output
    return [network["network_interface"] for network in json.loads(shown)]
