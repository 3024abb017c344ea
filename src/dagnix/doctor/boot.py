"""What a reboot brings back, and podman's restart policy."""

import getpass
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dagnix.doctor.finding import Finding, note, ok, problem
from dagnix.process import run

SYSTEMD = Path("/run/systemd/system")
LINGER = Path("/var/lib/systemd/linger")
UNIT = "podman-restart.service"
FIX = "./dagnix doctor --fix; then, for containers that are there, ./dagnix down and ./dagnix up"


def configuration(needs: Mapping[str, Any], written: Path, *, systemd: bool) -> Finding:
    """Judge whether podman works without `written`, the containers.conf of `./dagnix`.

    At a reboot podman-restart.service starts containers without it. What starts one again that
    has ended was given its path, and fails once it is gone.
    """
    if not needs:
        return ok("podman by itself", "starts containers at boot and when one has ended")
    lacks = ", ".join(f"{key} of [{table}]" for table, keys in needs.items() for key in keys)
    gone = f"only {written} says {lacks}: once it is gone, no service that ends is started again"
    if not systemd:
        return note("podman by itself", gone, FIX)
    return problem("podman by itself", f"{gone}, and after a reboot nothing comes back", FIX)


def unit(*, systemd: bool, enabled: bool, root: bool) -> Finding:
    """Judge whether systemd starts podman's containers at boot."""
    if not systemd:
        return note("boot", "there is no systemd to start the stack", "./dagnix up after a reboot")
    if enabled:
        return ok("boot", f"{UNIT} is enabled")
    systemctl = "sudo systemctl" if root else "systemctl --user"
    cure = f"{systemctl} enable {UNIT}"
    return note("boot", f"{UNIT} is not enabled: after a reboot nothing comes back", cure)


def linger(user: str, *, there: bool) -> Finding:
    """Judge whether a user's containers run while the user is not logged in."""
    if there:
        return ok("linger", f"{user}'s containers go on after a logout, and start at boot")
    return note(
        "linger",
        f"is off for {user}: at logout the stack ends, and after a reboot it waits for a login",
        f"loginctl enable-linger {user}",
    )


def findings(needs: Mapping[str, Any], state: Path) -> Iterator[Finding]:
    """Look at this host; `needs` are the settings that podman's own files lack."""
    # Limits of processes matter only where the host's are low, as in a container.
    of_boot = {table: keys for table, keys in needs.items() if table in {"network", "engine"}}
    systemd = SYSTEMD.is_dir()
    yield configuration(of_boot, state / "containers.conf", systemd=systemd)
    root = os.geteuid() == 0
    words = ["systemctl", *([] if root else ["--user"]), "is-enabled", "--quiet", UNIT]
    enabled = systemd and not run(words, "systemd does not answer", check=False).returncode
    yield unit(systemd=systemd, enabled=enabled, root=root)
    if systemd and not root:
        user = getpass.getuser()
        yield linger(user, there=(LINGER / user).exists())
