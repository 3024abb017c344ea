"""What brings the stack back after a reboot or a logout, and how long it may take to end."""

import getpass
import json
import os
from collections.abc import Iterator, Mapping
from typing import Any

from dagnix.boot import unit
from dagnix.doctor.finding import Finding, note, ok, problem
from dagnix.host.containers_conf import environment
from dagnix.host.probe import find_program
from dagnix.process import run
from dagnix.project import Project

PODMANS = "podman-restart.service"
LABEL = "io.podman.compose.project"
UP = "./dagnix up after a reboot"


def start(needs: Mapping[str, Any], *, systemd: bool, podmans: bool) -> Finding:
    """Judge whether something else than the instance's own unit starts the stack at boot.

    `needs` are the settings of podman that its own files lack, by table. `./dagnix` gives them to
    podman, which podman-restart.service does not.
    """
    if not systemd:
        return note("boot", "there is no systemd to start the stack", UP)
    if not podmans:
        return note("boot", "nothing starts the stack after a reboot", "./dagnix boot")
    if needs:
        lacks = ", ".join(f"{key} of [{table}]" for table, keys in needs.items() for key in keys)
        says = f"{PODMANS} starts podman without {lacks}: after a reboot nothing comes back"
        return problem("boot", says, "./dagnix boot")
    return ok("boot", f"{PODMANS} starts the stack")


def works(own: str, *, current: bool, failed: bool) -> Finding:
    """Judge the instance's own unit, which is enabled."""
    if not current:
        return problem("boot", f"{own} starts another checkout than this one", "./dagnix boot")
    if failed:
        words = "systemctl" if unit.is_root() else "systemctl --user"
        return problem("boot", f"{own} has failed", f"{words} status {own} says why")
    return ok("boot", f"{own} starts the stack")


def linger(user: str, *, there: bool) -> Finding:
    """Judge whether a user's containers run while the user is not logged in."""
    if there:
        return ok("linger", f"{user}'s containers go on after a logout, and start at boot")
    return note(
        "linger",
        f"is off for {user}: at logout the stack ends, and after a reboot it waits for a login",
        f"./dagnix boot, or loginctl enable-linger {user}",
    )


def manager() -> str:
    """Return the unit of this user's own systemd, whose end is that of all in it."""
    return f"user@{os.geteuid()}.service"


def limit(name: str, seconds: float | None, grace: int) -> Finding:
    """Judge whether a unit, which ends the stack, has as long to stop as the stack may take."""
    subject = f"time to stop of {name}"
    if seconds is None or seconds > grace:
        return ok(subject, f"is enough for the {grace} s that the stack may take")
    says = (
        f"is {seconds:.0f} s, and a code location may wait {grace} s for its runs "
        "(DAGNIX_PIPES_GRACE): those that take longer are killed at shutdown"
    )
    if name == PODMANS:
        return note(subject, says, "./dagnix boot")
    folder = f"/etc/systemd/system/{name}.d"
    cure = (
        f"sudo mkdir -p {folder} && printf '[Service]\\nTimeoutStopSec={grace + 60}\\n' | "
        f"sudo tee {folder}/dagnix.conf && sudo systemctl daemon-reload"
    )
    return note(subject, says, cure)


def grace(here: Project) -> int | None:
    """Return how many seconds the containers of this instance may take to stop; None without."""
    if not find_program("podman"):
        return None
    own, failure = environment(), "Podman lists no containers"
    words = ["podman", "ps", "--all", "--quiet", "--filter", f"label={LABEL}={here.name}"]
    if not (ids := run(words, failure, check=False, env=own).output.split()):
        return None
    shown = run(["podman", "container", "inspect", *ids], failure, check=False, env=own).output
    return max((each["Config"].get("StopTimeout", 10) for each in json.loads(shown)), default=None)


def findings(here: Project, needs: Mapping[str, Any]) -> Iterator[Finding]:
    """Look at this host; `needs` are the settings that podman's own files lack."""
    # Limits of processes matter only where the host's are low, as in a container.
    of_boot = {table: keys for table, keys in needs.items() if table in {"network", "engine"}}
    systemd = unit.has_systemd()
    own = unit.name(here)
    enabled = systemd and unit.is_enabled(own)
    podmans = systemd and unit.is_enabled(PODMANS)
    if enabled:
        yield works(own, current=unit.is_of(here), failed=unit.has_failed(own))
    else:
        yield start(of_boot, systemd=systemd, podmans=podmans)
    if not systemd:
        return
    if not unit.is_root():
        yield linger(getpass.getuser(), there=unit.has_linger())
    if not (enabled or podmans) or (seconds := grace(here)) is None:
        return
    ends = own if enabled else PODMANS
    yield limit(ends, unit.stop_seconds(ends), seconds)
    if not unit.is_root():
        yield limit(manager(), unit.stop_seconds(manager(), of_system=True), seconds)
