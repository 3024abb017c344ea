"""What the services' containers use: CPU time, and memory that is resident."""

import json
import os
import re
from collections import defaultdict
from contextlib import suppress
from pathlib import Path

from dagnix.host.podman import podman, settings
from dagnix.process import run
from dagnix.project import Project
from dagnix.stack import containers as stack_containers

MB = 10**6
UNITS = {"h": 3600, "m": 60, "s": 1, "ms": 1e-3, "µs": 1e-6, "us": 1e-6, "ns": 1e-9}
PSS = re.compile(r"^Pss:\s+(\d+) kB$", re.MULTILINE)
# As Postgres names the process of a client: user, database, address and port.
# Over TCP or a Unix socket.
CLIENT = re.compile(r"postgres: \S+ \S+ (\[local\]|[\d.:a-f]+\(\d+\))")


def containers(project: Project) -> dict[str, str]:
    """Return service → name of its container."""
    return {each.service: each.name for each in stack_containers.containers(project)}


def cpu(project: Project) -> dict[str, float]:
    """Return service → seconds of CPU of all that has run in its container, health checks too."""
    names = containers(project)
    words = ["stats", "--no-stream", "--no-reset", "--format", "json", *names.values()]
    shown = podman(project, *words, failure="Podman does not tell what containers use").output
    timing = {each["name"]: seconds(each["cpu_time"]) for each in json.loads(shown)}
    return {service: timing[name] for service, name in names.items()}


def seconds(duration: str) -> float:
    """Return a duration in Go's words, such as 1m36.5s."""
    return sum(
        float(n) * UNITS[unit] for n, unit in re.findall(r"([\d.]+)(ms|µs|us|ns|[hms])", duration)
    )


def memory(project: Project) -> dict[str, float]:
    """Return service → resident MB: see `resident`."""
    return {service: resident(tree(pid)) for service, pid in first_processes(project).items()}


def first_processes(project: Project) -> dict[str, int]:
    """Return service → the host's ID of its container's first process."""
    return {
        each.service: each.seen["State"]["Pid"] for each in stack_containers.containers(project)
    }


def tree(pid: int) -> list[int]:
    """Return a process and all that descend from it. Asks no program, so it can be done often."""
    children: dict[int, list[int]] = defaultdict(list)
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended
            # The name stands in brackets, and may hold anything.
            parent = int(status.read_text().rpartition(")")[2].split()[1])
            children[parent].append(int(status.parent.name))
    found = [pid]
    for each in found:
        found += children[each]
    return found


def resident(pids: list[int]) -> float:
    """Return MB: proportional set sizes, so that a page that processes share counts once."""
    files = [Path(f"/proc/{pid}/smaps_rollup") for pid in pids]
    if os.geteuid() == 0:
        read = "".join(map(_text, files))
    else:
        # There the processes belong to other users, who are root's in podman's namespace.
        words = ["podman", "unshare", "cat", *map(str, files)]
        failure = "Podman does not tell what processes use"
        read = run(words, failure, check=False, env=settings()).output
    return sum(map(int, PSS.findall(read))) * 1024 / MB


def connections(pid: int) -> int:
    """Return how many clients are connected to the Postgres whose first process this is."""
    names = (_text(Path(f"/proc/{each}/cmdline")) for each in tree(pid))
    return sum(1 for name in names if CLIENT.match(name))


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:  # the process has ended
        return ""
