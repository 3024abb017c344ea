"""Open a shell with tools beside a service's container, which has none.

The shell is in a container of its own, which is removed at its end. It sees the service's processes
and network: `ps`, `netstat`, `wget`, and the service's files under /proc/1/root. Words after the
service are run in place of the shell. The service itself is not changed.
"""

import argparse
import os
import sys

from dagnix import UserError, code_locations, console, project
from dagnix.host import nix, podman
from dagnix.stack import containers


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what it takes."""
    parser.add_argument(
        "service",
        nargs="?",
        default=code_locations.FIRST,
        help=f"the service (default: {code_locations.FIRST})",
    )
    parser.add_argument(
        "words",
        nargs="*",
        metavar="COMMAND",
        help="what to run in place of a shell; `--` before it if it has options",
    )


def run(given: argparse.Namespace) -> None:
    """Run the command: this process becomes podman."""
    here = project.current()
    running = {each.service: each for each in containers.containers(here) if each.running}
    if given.service not in running:
        raise UserError(
            f"{here.name} has no {given.service} that runs: it has "
            f"{', '.join(sorted(running)) or 'nothing that does'}."
        )
    with console.step("Building the tools", "The tools are there") as step:
        (tools,) = nix.build(here, ["debug-tools"], nix.Log(step.show), "--no-link")
    beside = f"container:{running[given.service].name}"
    terminal = ["--interactive", "--tty"] if sys.stdin.isatty() and sys.stdout.isatty() else []
    words = [
        *("podman", "run", "--rm", *terminal),
        *("--pid", beside, "--network", beside),
        # Root in there, and without any other right: to see the files of another user's process.
        *("--user", "0:0", "--cap-drop", "all", "--cap-add", "SYS_PTRACE"),
        *("--env", "PATH=/bin", "--rootfs", f"{tools}:O", *(given.words or ["/bin/bash"])),
    ]
    os.chdir(podman.directory(here.state))
    os.execvpe(words[0], words, {**os.environ, **podman.settings()})  # noqa: S606
