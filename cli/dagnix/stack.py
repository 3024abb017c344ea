"""The stack's containers: podman-compose makes them, podman tells about them."""

import datetime as dt
import os
import re
import sys
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dagnix import compose_files, locations, sockets
from dagnix.bridge import Bridges
from dagnix.doctor.surroundings import is_port_free
from dagnix.locations import service
from dagnix.podman import PROJECT_LABEL, directory, image_ids, inspect, podman, settings
from dagnix.process import CommandError, Result, run
from dagnix.project import Project

SERVICE_LABEL = "com.docker.compose.service"
FORMER = "-former"  # at the end of the name of a container that another one has followed
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
    def former(self) -> bool:
        """Whether another one has followed it, and it only ends its runs."""
        return self.name.endswith(FORMER)

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
    def last_words(self) -> str:
        """What its last health check said."""
        state = self.seen["State"]
        log = (state.get("Health") or state.get("Healthcheck") or {}).get("Log") or []
        return log[-1]["Output"].strip() if log else ""

    @property
    def mounted(self) -> Path | None:
        """The folder whose code it serves, if that is not baked into its image."""
        for mount in self.seen.get("Mounts") or ():
            if mount["Destination"] == PIPES_FOLDER and mount["Type"] == "bind":
                return Path(mount["Source"])
        return None

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


def compose(
    project: Project,
    *words: str,
    failure: str,
    check: bool = True,
    program: str = "dagnix.compose",
) -> Result:
    """Run podman-compose on the checkout's compose files. Raises as `dagnix.process.run`.

    It would refuse all of them for one that it cannot read: those of code locations are left out.
    """
    project = project.without_locations(service.unreadable(project.root))
    if words[0] in {"up", "run"}:
        sockets.ensure(project)
    separator = os.environ.get("COMPOSE_PATH_SEPARATOR", ":")
    environment = {
        **project.environment,
        **settings(),
        # With COMPOSE_PROJECT_DIR it would change to that folder, and run podman there.
        "COMPOSE_PROJECT_DIR": "",
        "COMPOSE_FILE": separator.join(str(project.root / each) for each in project.compose_files),
        "DAGNIX_ROOT": str(project.root),
    }
    command = [sys.executable, "-m", program, *words]
    return run(command, failure, check=check, env=environment, cwd=directory(project.state))


def compose_for(project: Project, service: str, *words: str, **more: Any) -> Result:
    """Run podman-compose for one service, if need be without other code locations' files.

    `more` is for `compose`. Raises as `compose`.
    """
    try:
        return compose(project, *words, **more)
    except CommandError:
        others = locations.others(project.root).keys() - {service}
        if not others:
            raise
        return compose(project.without_locations(others), *words, **more)


def services(project: Project) -> list[str]:
    """Return the services of the compose files that are started without being asked for.

    Raises:
        UserError: a file cannot be read.

    """
    project = project.without_locations(service.unreadable(project.root))
    found: dict[str, bool] = {}
    for file in project.compose_files:
        named = compose_files.read(project.root / file).get("services") or {}
        found |= {name: not (own or {}).get("profiles") for name, own in named.items()}
    return [name for name, is_started in found.items() if is_started]


def outdated(project: Project, present: list[Container]) -> list[str]:
    """Return the services whose container was made from another image than their name has now."""
    current = image_ids(project, {each.image_name for each in present})
    return [
        container.service
        for container in present
        if current.get(container.image_name, container.image_id) != container.image_id
    ]


def start(
    project: Project, present: list[Container], *, anew: bool, absent: Collection[str] = ()
) -> None:
    """Start what is not running; make anew only what changed, or with `anew` everything.

    The services in `absent` have no image, and are left out.

    Raises:
        CommandError: a service does not start; podman-compose has tried the others, too.

    """
    lost = [each.service for each in present if each.lost]
    changed = [each.service for each in present] if anew else [*outdated(project, present), *lost]
    chosen = [name for name in services(project) if name not in absent] if absent else []
    failure = "podman-compose cannot start the stack"
    try:
        if changed:
            compose(project, "up", "--detach", "--force-recreate", *changed, failure=failure)
        if not present:
            first = "dagnix.compose.first_start"
            compose(project, "up", "--detach", *chosen, failure=failure, program=first)
            return
        if former := {each.service for each in everything(project) if each.former}:
            # podman-compose takes them for the service's container, and one that was made from
            # other compose files would have it make that anew.
            known = chosen or services(project)
            others = [name for name in known if name not in former]
            compose(project, "up", "--detach", *others, failure=failure)
            if kept := former & set(known):  # that of a location that was removed is in no file
                compose(project, "up", "--detach", "--no-recreate", *kept, failure=failure)
        else:
            compose(project, "up", "--detach", *chosen, failure=failure)
    finally:
        Bridges(project).pin()


def remove(project: Project, *, volumes: bool) -> None:
    """Stop and remove containers and networks, and volumes if asked to.

    Raises:
        CommandError: something is left over.

    """
    words = ["down", "--remove-orphans", *(["--volumes"] if volumes else [])]
    failure = "podman-compose cannot take the stack down"
    former = [each.name for each in everything(project) if each.former]
    if former:
        podman(
            project, "stop", *former, failure="Podman cannot stop former containers", check=False
        )
        podman(project, "rm", "--force", *former, failure=failure)
    # Its exit code is 0 whatever happens, so what is left over decides.
    result = compose(project, *words, failure=failure, check=False)
    sockets.remove(project)
    if leftovers(project):
        raise CommandError(f"{failure}: it left {', '.join(leftovers(project))}.", result)


def leftovers(project: Project) -> list[str]:
    """Return the names of the project's containers and networks."""
    filters = ["--filter", f"label={PROJECT_LABEL}={project.name}"]
    listed = [
        podman(project, *words, *filters, failure="Podman does not list the stack").output.split()
        for words in (
            ("ps", "--all", "--format", "{{.Names}}"),
            ("network", "ls", "--format", "{{.Name}}"),
        )
    ]
    return [name for names in listed for name in names]
