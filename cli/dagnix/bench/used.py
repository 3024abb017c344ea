"""What the services' containers use: CPU time, and memory that is resident."""

import json
import os
import re

from dagnix import stack
from dagnix.podman import podman, settings
from dagnix.process import run
from dagnix.project import Project

MB = 10**6
UNITS = {"h": 3600, "m": 60, "s": 1, "ms": 1e-3, "µs": 1e-6, "us": 1e-6, "ns": 1e-9}
PSS = re.compile(r"^Pss:\s+(\d+) kB$", re.MULTILINE)


def containers(project: Project) -> dict[str, str]:
    """Return service → name of its container."""
    return {each.service: each.name for each in stack.containers(project)}


def cpu(project: Project) -> dict[str, float]:
    """Return service → seconds of CPU of all that has run in its container, health checks too."""
    names = containers(project)
    words = ["stats", "--no-stream", "--no-reset", "--format", "json", *names.values()]
    shown = podman(project, *words, failure="Podman does not tell what containers use").output
    spent = {each["name"]: seconds(each["cpu_time"]) for each in json.loads(shown)}
    return {service: spent[name] for service, name in names.items()}


def seconds(duration: str) -> float:
    """Return a duration in Go's words, such as 1m36.5s."""
    return sum(
        float(n) * UNITS[unit] for n, unit in re.findall(r"([\d.]+)(ms|µs|us|ns|[hms])", duration)
    )


def memory(project: Project) -> dict[str, float]:
    """Return service → resident MB: proportional set sizes, so that a shared page counts once."""
    # In a rootless podman the processes belong to other users, who are root's in its namespace.
    inside = [] if os.geteuid() == 0 else ["podman", "unshare"]
    found = {}
    for service, name in containers(project).items():
        failure = f"Podman does not tell the processes of {name}"
        top = podman(project, "top", name, "hpid", failure=failure).output.split()[1:]
        files = [f"/proc/{pid}/smaps_rollup" for pid in top]
        # A process may have ended meanwhile.
        words = [*inside, "cat", *files]
        read = run(words, failure, check=False, env=settings(project.state)).output
        found[service] = sum(map(int, PSS.findall(read))) * 1024 / MB
    return found
