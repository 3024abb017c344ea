"""The unit that starts an instance at boot, and ends it in order (standard library only).

Root's is a unit of the system, an ordinary user's one of the user's own systemd, which runs from
boot on only with linger.
"""

import getpass
import os
import re
from collections.abc import Mapping
from pathlib import Path

from dagnix import UserError
from dagnix.process import run
from dagnix.project import Project

SYSTEMD = Path("/run/systemd/system")
LINGER = Path("/var/lib/systemd/linger")
SYSTEM_UNITS = Path("/etc/systemd/system")
_SPAN = re.compile(r"(\d+)(us|ms|s|min|h|d)")
_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1, "min": 60, "h": 3600, "d": 86400}


def is_root() -> bool:
    """Tell whether the unit is one of the system's."""
    return os.geteuid() == 0


def has_systemd() -> bool:
    """Tell whether systemd runs this host."""
    return SYSTEMD.is_dir()


def has_linger() -> bool:
    """Tell whether this user's own systemd runs from boot on, and after a logout."""
    return (LINGER / getpass.getuser()).exists()


def name(project: Project) -> str:
    """Return the unit's name."""
    return f"dagnix-{project.name}.service"


def path(project: Project) -> Path:
    """Return the unit's file."""
    if is_root():
        return SYSTEM_UNITS / name(project)
    config = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(config) / "systemd" / "user" / name(project)


def text(project: Project, environment: Mapping[str, str]) -> str:
    """Return the unit for an instance; `environment` is what names it, beside `.env`.

    It has no limit of time: `dagnix boot --stop` gives each container its own, and ends.
    """
    program = _argument(str(project.roots / "cli" / "bin" / "dagnix"))
    # All that podman does by itself for containers comes before, and so ends after.
    after = ["podman-restart.service"]
    lines = [
        "# Written by ./dagnix boot, which --remove takes back.",
        "[Unit]",
        f"Description=Dagnix: {project.name} in {_plain(str(project.root))}",
        "StartLimitIntervalSec=0",
    ]
    if is_root():
        after += ["network-online.target", "nix-daemon.service"]
        lines += [
            "Wants=network-online.target",
            f"RequiresMountsFor={_quoted(str(project.root))} /nix",
        ]
    lines += [
        f"After={' '.join(after)}",
        "",
        "[Service]",
        "Type=oneshot",
        "RemainAfterExit=yes",
        *(f"Environment={_quoted(f'{key}={value}')}" for key, value in environment.items()),
        # env, as in the path of the program itself systemd would leave $$ as it is.
        f"ExecStart=/usr/bin/env {program} boot --start",
        f"ExecStop=/usr/bin/env {program} boot --stop",
        # An address may not be there yet, or a disk.
        "Restart=on-failure",
        "RestartSec=15",
        "TimeoutStartSec=infinity",
        "TimeoutStopSec=infinity",
        # What podman has started here also serves containers of others.
        "KillMode=process",
        "",
        "[Install]",
        f"WantedBy={'multi-user' if is_root() else 'default'}.target",
    ]
    return "\n".join(lines) + "\n"


def variables(project: Project) -> dict[str, str]:
    """Return what in this environment names the instance, for the unit's own."""
    ours = [*project.environment, "DAGNIX_ENV"]
    named = {key: os.environ[key] for key in ours if os.environ.get(key)}
    return {"DAGNIX_ROOT": str(project.root), **named}


def _plain(value: str) -> str:
    """Return text as it stands in a unit, where % begins a specifier."""
    return value.replace("%", "%%")


def _quoted(value: str) -> str:
    """Return a word of a setting in a unit."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{_plain(escaped)}"'


def _argument(value: str) -> str:
    """Return a word of a command in a unit, where $ begins a variable."""
    return _quoted(value.replace("$", "$$"))


def systemctl(*words: str, check: bool = True) -> str:
    """Ask the systemd that has the unit; return what it printed, "" if it may fail and does.

    Raises:
        UserError: it does not do it.

    """
    command = ["systemctl", *([] if is_root() else ["--user"]), *words]
    result = run(command, "systemd does not do it", check=check)
    return "" if result.returncode else result.output.strip()


def is_enabled(unit: str) -> bool:
    """Tell whether systemd starts a unit at boot, or at this user's login."""
    return systemctl("is-enabled", unit, check=False) in {"enabled", "enabled-runtime"}


def is_of(project: Project) -> bool:
    """Tell whether the unit that is there starts this checkout."""
    file = path(project)
    return file.is_file() and _root(project) in file.read_text().splitlines()


def _root(project: Project) -> str:
    return f"Environment={_quoted(f'DAGNIX_ROOT={project.root}')}"


def has_failed(unit: str) -> bool:
    """Tell whether systemd could not start a unit."""
    return systemctl("show", "--property=ActiveState", "--value", unit, check=False) == "failed"


def stop_seconds(unit: str, *, of_system: bool = False) -> float | None:
    """Return how long systemd gives a unit to stop; None is no limit, or not known.

    `of_system` is for a unit of the system that a user asks about.
    """
    words = ["show", "--property=TimeoutStopUSec", "--value", unit]
    if of_system:
        asked = run(["systemctl", *words], "systemd does not answer", check=False)
        return seconds(asked.output)
    return seconds(systemctl(*words, check=False))


def seconds(shown: str) -> float | None:
    """Return a time span as systemctl shows it, such as "1min 30s"; None for infinity."""
    found = _SPAN.findall(shown)
    return sum(int(number) * _SECONDS[unit] for number, unit in found) if found else None


def require_systemd() -> None:
    """Raise UserError if no systemd of this user's, or root's, can be asked."""
    if not has_systemd():
        raise UserError(
            "There is no systemd here to start the stack at boot: run `./dagnix up` after a reboot."
        )
    if not is_root() and not systemctl("show", "--property=Version", check=False):
        user = getpass.getuser()
        raise UserError(
            f"{user}'s systemd does not answer: log in as {user} at a console or with ssh, not "
            "with su, and run this again."
        )
