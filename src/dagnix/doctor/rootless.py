"""What podman needs so that an ordinary user can run it."""

import os
from collections.abc import Iterator
from pathlib import Path

from dagnix.doctor.finding import Finding, ok, problem
from dagnix.host.probe import find_program, podman_version

IDS = 65536
PASTA_SINCE = (5, 0)
INSTALL = "sudo apt-get install --no-install-recommends"


def ids(user: str, file: str, count: int) -> Finding:
    """Judge how many subordinate ids /etc/subuid or /etc/subgid gives the user."""
    if count >= IDS:
        return ok(file, f"{user} has {count} subordinate ids")
    flag = "--add-subuids" if file.endswith("uid") else "--add-subgids"
    return problem(
        file,
        f"{user} has {count} subordinate ids, not {IDS}",
        f"sudo usermod {flag} 100000-165535 {user} && podman system migrate",
    )


def count_ids(text: str, user: str, uid: int) -> int:
    """Return the sum of the ranges for the user."""
    return sum(count for _, count in ranges(text, user, uid))


def ranges(text: str, user: str, uid: int) -> list[tuple[int, int]]:
    """Return the ranges of /etc/subuid for the user, by name or number: first id and how many."""
    lines = (line.strip().split(":") for line in text.splitlines())
    return [
        (int(line[1]), int(line[2]))
        for line in lines
        if len(line) == 3 and line[0] in {user, str(uid)}
    ]


def mapper(*, there: bool) -> Finding:
    """Judge newuidmap, which gives a container its users."""
    if there:
        return ok("newuidmap", "is there")
    return problem("newuidmap", "is not installed", f"{INSTALL} uidmap")


def network_program(podman: tuple[int, int]) -> str:
    """Return the program that brings a user's containers to the host's network, by default."""
    return "pasta" if podman >= PASTA_SINCE else "slirp4netns"


def network(program: str, *, there: bool, tun: bool) -> Finding:
    """Judge the way from a user's containers to the host's network."""
    if not there:
        package = "passt" if program == "pasta" else program
        return problem("rootless network", f"{program} is not installed", f"{INSTALL} {package}")
    if not tun:
        return problem(
            "rootless network",
            "/dev/net/tun is not there or closed to this user",
            "sudo modprobe tun && sudo chmod 0666 /dev/net/tun",
        )
    return ok("rootless network", program)


def findings(user: str) -> Iterator[Finding]:
    """Look at this host for `user`; root needs none of it."""
    if os.geteuid() == 0:
        return
    for file in ("/etc/subuid", "/etc/subgid"):
        path = Path(file)
        text = path.read_text() if path.is_file() else ""
        yield ids(user, file, count_ids(text, user, os.geteuid()))
    yield mapper(there=find_program("newuidmap") is not None)
    program = network_program(podman_version())
    yield network(
        program,
        there=find_program(program) is not None,
        tun=os.access("/dev/net/tun", os.R_OK | os.W_OK),
    )
