"""The channels of alerts: a file each, which only the service `alerts` reads.

What reads them there is src/entrypoint/internal/alerts.
"""

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from dagnix import UserError
from dagnix.access import gate_files
from dagnix.project import Project
from dagnix.stack.lifecycle import WATCHER

SERVICE = WATCHER
IMAGE = "daemon"  # the service whose image it has


def _require_address(value: str) -> None:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise UserError("That is no web address: it begins with https://.")


def _require_mail(value: str) -> None:
    parts = urlsplit(value)
    to = parts.path.strip("/").split(",")
    if (
        parts.scheme not in {"smtp", "smtps"}
        or not parts.hostname
        or not all(re.fullmatch(r"[^@\s]+@[^@\s]+", each) for each in to)
    ):
        raise UserError(
            "That is no address of a mail server and a person: write it like "
            "smtp://USER:PASSWORD@HOST:PORT/TO, with smtps:// for TLS from the beginning."
        )


def _require_command(value: str) -> None:
    if "\n" in value:
        raise UserError("A command is one line; put more into a program in config/alerts/.")


# What each takes.
CHANNELS: dict[str, Callable[[str], None]] = {
    "slack": _require_address,
    "teams": _require_address,
    "webhook": _require_address,
    "mail": _require_mail,
    "command": _require_command,
    "ping": _require_address,
}


def folder(project: Project) -> Path:
    """Return the folder that compose.yaml mounts into the service."""
    return project.secrets / "alerts"


def write(project: Project, name: str, value: bytes) -> None:
    """Set where a channel leads to.

    Raises:
        UserError: it cannot lead there, or the file cannot be written.

    """
    try:
        text = value.decode().strip()
    except UnicodeDecodeError as error:
        raise UserError("That is no text.") from error
    if not text:
        raise UserError("Nothing was given: `./dagnix alerts remove` removes a channel.")
    try:
        CHANNELS[name](text)
    except ValueError as error:  # of urlsplit, with the address in it
        raise UserError("That address cannot be read.") from error
    gate_files.place(project, folder(project) / name, text.encode() + b"\n")


def remove(project: Project, name: str) -> None:
    """Remove a channel. Raises UserError if it is not set, or cannot be removed."""
    try:
        (folder(project) / name).unlink()
    except FileNotFoundError as error:
        raise UserError(f"The channel {name} is not set.") from error
    except OSError as error:
        raise UserError(f"The channel cannot be removed: {error}.") from error


def found(project: Project) -> list[str]:
    """Return the names of the channels that are set, in order."""
    return [name for name in CHANNELS if (folder(project) / name).exists()]
