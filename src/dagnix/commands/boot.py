"""Start the stack at boot, and end it in order at shutdown.

It writes a systemd unit for this instance and enables it: root's is one of the system's, yours one
of your own systemd, which may then run without a login (linger). At boot the containers of before
are started again; nothing is built.
"""

import argparse
import getpass

from dagnix import UserError, console, project
from dagnix.boot import unit
from dagnix.doctor import boot as judge
from dagnix.process import run as run_program


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what it takes."""
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--remove", action="store_true", help="start nothing at boot any more; what runs goes on"
    )
    # What the unit does.
    which.add_argument("--start", action="store_true", help=argparse.SUPPRESS)
    which.add_argument("--stop", action="store_true", help=argparse.SUPPRESS)


def run(given: argparse.Namespace) -> None:
    """Run the command."""
    # Help needs nothing that is built.
    from dagnix.boot import run as stack  # noqa: PLC0415
    from dagnix.stack import containers, lifecycle  # noqa: PLC0415

    here = project.current()
    if given.start:
        stack.start(here)
    elif given.stop:
        lifecycle.stop(here, containers.everything(here))
    elif given.remove:
        take_back(here)
    else:
        install(here, stack.grace(here))


def install(here: project.Project, grace: int) -> None:
    """Write and enable the unit, and start it, so that it is what ends the stack at shutdown.

    `grace` is how many seconds the stack may take to stop.

    Raises:
        UserError: there is no systemd or no stack, or root has to do something first.

    """
    unit.require_systemd()
    file = unit.path(here)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(unit.text(here, unit.variables(here)))
    unit.systemctl("daemon-reload")
    unit.systemctl("enable", "--quiet", unit.name(here))
    unit.systemctl("start", unit.name(here))
    if not unit.is_root():
        require_linger()
        limit = unit.stop_seconds(judge.manager(), of_system=True)
        found = judge.limit(judge.manager(), limit, grace)
        if found.state != "ok":
            console.warned(f"{found.subject}: {found.says}. {found.cure}")
    console.out.print(f"{here.name} starts at boot: {file}", soft_wrap=True)


def require_linger() -> None:
    """Have this user's systemd run from boot on.

    Raises:
        UserError: only root may do that here.

    """
    if unit.has_linger():
        return
    words = ["loginctl", "enable-linger"]
    done = run_program(words, "loginctl does not answer", check=False)
    if done.returncode and not unit.has_linger():
        raise UserError(
            "The unit is there, but waits for your login: have root run `loginctl enable-linger "
            f"{getpass.getuser()}`."
        )


def take_back(here: project.Project) -> None:
    """Disable and remove the unit; the containers go on, and linger stays."""
    file = unit.path(here)
    if not file.exists():
        console.out.print(f"{here.name} has no unit that starts it at boot.")
        return
    unit.require_systemd()
    unit.systemctl("disable", "--quiet", unit.name(here))
    file.unlink()
    unit.systemctl("daemon-reload")
    console.out.print(f"{here.name} does not start at boot any more.")
    if not unit.is_root() and unit.has_linger():
        user = getpass.getuser()
        console.out.print(f"{user} still has linger: `loginctl disable-linger {user}` ends that.")
