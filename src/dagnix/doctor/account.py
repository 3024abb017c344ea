"""Whether somebody on this host has the uid that the services have in their containers."""

import os
import pwd
from collections.abc import Iterator
from pathlib import Path

from dagnix.doctor.finding import Finding, note, ok
from dagnix.doctor.rootless import ranges
from dagnix.project import IMAGE_USER

SUBJECT = "the containers' user"


def on_host(text: str, user: str, uid: int) -> int | None:
    """Return the host's uid of IMAGE_USER in the containers of a user; None if there is none.

    `text` is /etc/subuid. In a user's containers 0 is the user, and his ranges follow from 1 on;
    root's containers have the host's uids.
    """
    if uid == 0:
        return IMAGE_USER
    left = IMAGE_USER - 1
    for first, count in ranges(text, user, uid):
        if left < count:
            return first + left
        left -= count
    return None


def judge(uid: int, name: str | None) -> Finding:
    """Judge whether the uid has an account, of this name."""
    if name is None:
        return ok(SUBJECT, f"uid {uid} has no account on this host")
    return note(
        SUBJECT,
        f"{name} has its uid on this host, {uid}: that account reads the code's secrets and the "
        "data in Postgres",
        f"give {name} another uid (usermod --uid), or run Dagnix as a user without root",
    )


def findings(user: str) -> Iterator[Finding]:
    """Look at this host's accounts, for the containers of `user`."""
    path = Path("/etc/subuid")
    uid = on_host(path.read_text() if path.is_file() else "", user, os.geteuid())
    if uid is None:
        return  # the doctor says that ids are missing
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        name = None
    yield judge(uid, name)
