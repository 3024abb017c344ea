"""Choose where alerts go: Slack, Teams, another webhook, mail or a command.

The service `alerts` tells what is wrong with the instance, and when it is well again
(docs/howto/alerts.md). A channel that is set counts within seconds, without a restart. `ping` is an
address that is asked for once a minute, for as long as the host and the service are there.
"""

import argparse
import sys

from dagnix import UserError, console, project
from dagnix.alerts import channels
from dagnix.commands import command, group, one_of
from dagnix.host.podman import podman
from dagnix.stack.containers import containers
from dagnix.stack.health import PROGRAM

LONGEST = 64 << 10  # bytes


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what it takes."""
    commands = group(parser)
    made = command(commands, "set", set_channel)
    channel(made)
    command(commands, "list", list_channels)
    made = command(commands, "remove", remove)
    channel(made)
    command(commands, "test", test)


def channel(parser: argparse.ArgumentParser) -> None:
    """Declare the argument that names a channel."""
    names = ", ".join(channels.CHANNELS)
    parser.add_argument("channel", type=one_of(channels.CHANNELS), help=f"one of {names}")


def set_channel(given: argparse.Namespace) -> None:
    """Set where a channel leads to: what is typed without being shown, or standard input.

    That is a web address; for mail smtp://USER:PASSWORD@HOST:PORT/TO; for a command its words.
    """
    here = project.current()
    if sys.stdin.isatty():
        value = console.hidden(given.channel).encode()
    else:
        value = sys.stdin.buffer.read(LONGEST)
    channels.write(here, given.channel, value)
    console.out.print(f"{given.channel} is set. `./dagnix alerts test` tries it.")


def list_channels(_: argparse.Namespace) -> None:
    """List the channels that are set, without where they lead to."""
    names = channels.found(project.current())
    for name in names:
        console.out.print(name)
    if not names:
        console.out.print("No channel is set: `./dagnix alerts set slack` sets one.")


def remove(given: argparse.Namespace) -> None:
    """Remove a channel."""
    channels.remove(project.current(), given.channel)
    console.out.print(f"{given.channel} is removed.")


def test(_: argparse.Namespace) -> None:
    """Send a test alert to each channel, and tell how that went."""
    here = project.current()
    running = {each.service: each.name for each in containers(here) if each.running}
    if channels.SERVICE not in running:
        raise UserError(f"{here.name} has no {channels.SERVICE} that runs: ./dagnix up starts it.")
    words = ["exec", running[channels.SERVICE], PROGRAM, "alerts", "test"]
    told = podman(here, *words, failure="The test fails", check=False)
    if told.output.strip():
        console.out.print(told.output.strip(), markup=False, soft_wrap=True)
    if told.returncode:
        said = told.errors.strip().removeprefix("runtime: ")
        raise UserError(said or "Podman cannot run the test.")
