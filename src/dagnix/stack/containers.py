"""The stack's containers: podman-compose makes them, podman tells about them."""

import datetime as dt
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dagnix.host.podman import PROJECT_LABEL, inspect, podman
from dagnix.host.ports import is_port_free
from dagnix.project import Project
from dagnix.stack import sockets

SERVICE_LABEL = "com.docker.compose.service"
DRAINING = "-draining"  # at the end of the name of a container that another one has followed
# In its place up to Dagnix 0.1: an upgrade from there may find one that still ends its runs.
DRAINING_BEFORE = "-former"
PIPES_FOLDER = "/opt/dagster/pipes"  # where compose.mount.yaml mounts the code


def moment(text: str) -> dt.datetime:
    """Return what podman writes in ISO 8601: with nanoseconds, of which Python reads none."""
    second, dot, rest = text.partition(".")
    zone = rest.lstrip("0123456789")
    return dt.datetime.fromisoformat(second + zone if dot else text)


def shown(when: dt.datetime) -> str:
    """Write a moment for people, in this host's time."""
    return when.astimezone().strftime("%Y-%m-%d %H:%M:%S")


@dataclass(frozen=True)
class Container:
    """One service's container, as `podman inspect` shows it."""

    seen: dict[str, Any]

    @property
    def name(self) -> str:
        """The container's name."""
        return self.seen["Name"]

    @property
    def identifier(self) -> str:
        """The container's ID, which stays when its name changes; hexadecimal."""
        return self.seen["Id"]

    @property
    def service(self) -> str:
        """The service in compose.yaml."""
        return self.seen["Config"]["Labels"][SERVICE_LABEL]

    @property
    def in_compose(self) -> bool:
        """Whether its name is the one that compose.yaml gives it."""
        return re.search(r"[_-]\d+$", self.name) is not None

    @property
    def draining(self) -> bool:
        """Whether its name says that it drains. During a deploy it serves until the cut-over."""
        return self.name.endswith((DRAINING, DRAINING_BEFORE))

    @property
    def is_going(self) -> bool:
        """Whether it drains and is being stopped, as it is after its last run."""
        return self.draining and self.state == "stopping"

    @property
    def host(self) -> str:
        """Its host name in the project's networks."""
        return self.seen["Config"]["Hostname"]

    @property
    def running(self) -> bool:
        """Whether its process lives."""
        return self.seen["State"]["Status"] == "running"

    @property
    def has_lost_sockets(self) -> bool:
        """Whether the folder of its sockets on the host was deleted after it had started."""
        return self.running and sockets.is_lost(self.seen["State"].get("Pid", 0))

    @property
    def state(self) -> str:
        """Podman's word, with the exit code of one that stopped."""
        state = self.seen["State"]
        if state["Status"] in {"exited", "stopped"}:
            return f"{state['Status']} ({state.get('ExitCode', 0)})"
        return state["Status"]

    @property
    def made_with(self) -> list[str]:
        """The command that made it: podman, create or run, and options."""
        return self.seen["Config"].get("CreateCommand") or []

    @property
    def image_id(self) -> str:
        """The ID of the image that it was made from; hexadecimal."""
        return self.seen["Image"].removeprefix("sha256:")

    @property
    def image_name(self) -> str:
        """The name that compose.yaml gives the image."""
        return self.seen["ImageName"]

    @property
    def version(self) -> str:
        """The version on its image's label: Dagster's, PostgreSQL's, or the code's."""
        return self.seen["Config"]["Labels"].get("org.opencontainers.image.version", "")

    @property
    def digest(self) -> str:
        """The digest of the image's manifest, with its algorithm."""
        return self.seen.get("ImageDigest", "")

    @property
    def restarts(self) -> int:
        """How often podman has started it again."""
        return self.seen.get("RestartCount", 0)

    @property
    def started(self) -> dt.datetime:
        """When its process started."""
        return moment(self.seen["State"]["StartedAt"])

    @property
    def ended(self) -> dt.datetime | None:
        """When its process ended; None if it runs, or never ran."""
        text = self.seen["State"].get("FinishedAt", "")
        return None if self.running or not text or text.startswith("0001-") else moment(text)

    @property
    def uptime(self) -> float:
        """Seconds since its process started; 0 if it does not run."""
        if not self.running:
            return 0
        return (dt.datetime.now(dt.UTC) - self.started).total_seconds()

    @property
    def health_check(self) -> list[str]:
        """The health check in the words of compose.yaml: CMD and a command, or nothing."""
        return (self.seen["Config"].get("Healthcheck") or {}).get("Test") or []

    @property
    def was_healthy(self) -> bool:
        """Whether its last health check passed."""
        return self._health.get("Status") == "healthy"

    @property
    def last_check(self) -> tuple[int, str]:
        """The exit code of its last health check, and what it said; 0 and "" without one."""
        log = self._health.get("Log") or [{"ExitCode": 0, "Output": ""}]
        return log[-1]["ExitCode"], log[-1]["Output"].strip()

    @property
    def _health(self) -> dict[str, Any]:
        state = self.seen["State"]
        return state.get("Health") or state.get("Healthcheck") or {}

    @property
    def mounted(self) -> Path | None:
        """The folder whose code it serves, if that is not baked into its image."""
        for mount in self.seen.get("Mounts") or ():
            if mount["Destination"] == PIPES_FOLDER and mount["Type"] == "bind":
                return Path(mount["Source"])
        return None

    @property
    def named_volumes(self) -> dict[str, Path]:
        """Podman's volumes that it has, without the project's name, and where they are."""
        prefix = f"{self.seen['Config']['Labels'].get(PROJECT_LABEL, '')}_"
        return {
            mount["Name"].removeprefix(prefix): Path(mount["Source"])
            for mount in self.seen.get("Mounts") or ()
            if mount["Type"] == "volume"
        }

    @property
    def stop_seconds(self) -> int:
        """How long it may take to stop before it is killed."""
        return self.seen["Config"].get("StopTimeout", 10)

    @property
    def ports(self) -> list[int]:
        """The ports that it serves on the host."""
        return [port for _, port in self._addresses]

    @property
    def _addresses(self) -> list[tuple[str, int]]:
        bindings = self.seen.get("HostConfig", {}).get("PortBindings") or {}
        return [
            (binding.get("HostIp") or "0.0.0.0", int(binding["HostPort"]))  # noqa: S104 - podman's
            for each in bindings.values()
            for binding in each or ()
            if binding.get("HostPort")
        ]

    @property
    def lost(self) -> str:
        """What podman has lost of a container that runs, such as its own processes; "" if nothing.

        Its own checks see nothing of that.
        """
        if not self.running:
            return ""
        conmon = self.seen["State"].get("ConmonPid")
        if conmon and not Path(f"/proc/{conmon}").exists():
            return "podman does not watch it any more, as its process conmon has ended"
        for host, port in self._addresses:
            if is_port_free(port, host):
                return f"nothing listens on its port {port} any more"
        return ""


def containers(project: Project) -> list[Container]:
    """Return the containers that compose.yaml names, running or not."""
    return [each for each in everything(project) if each.in_compose]


def everything(project: Project) -> list[Container]:
    """Return all containers of the project, running or not."""
    words = ["ps", "--all", "--filter", f"label={PROJECT_LABEL}={project.name}", "--quiet"]
    ids = podman(project, *words, failure="Podman does not list containers").output.split()
    return [Container(seen) for seen in inspect(project, ids)]
