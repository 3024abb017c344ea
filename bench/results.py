"""bench/results.json: the figures of each group, with the machine and the day."""

import datetime as dt
import json
import os
import platform
import re
from pathlib import Path
from typing import Any

from bench.figure import Figure
from dagnix.host.podman import podman
from dagnix.project import Project

FILE = Path("bench") / "results.json"
GIB = 2**30


def machine(project: Project) -> dict[str, Any]:
    """Return what the figures depend on: memory is in GiB."""
    found = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    words = ["version", "--format", "{{.Client.Version}}"]
    version = podman(project, *words, failure="Podman does not tell its version").output.strip()
    return {
        "cpu": found[1] if found else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memory": round(memory / GIB, 1),
        "kernel": platform.release(),
        "podman": version,
    }


def read(path: Path) -> dict[str, Any]:
    """Return the results that there are, by group; none before the first measurement."""
    return json.loads(path.read_text())["groups"] if path.exists() else {}


def merge(
    groups: dict[str, Any], name: str, figures: list[Figure], machine: dict[str, Any]
) -> dict[str, Any]:
    """Return the results with those of one group anew; the others keep their machine and day."""
    today = dt.datetime.now(tz=dt.UTC).date().isoformat()
    new = {"date": today, "machine": machine, "figures": [each.as_json for each in figures]}
    return {**groups, name: new}


def write(path: Path, groups: dict[str, Any]) -> None:
    """Write the results in one step."""
    path.parent.mkdir(exist_ok=True)
    beside = path.with_suffix(f".{os.getpid()}")
    beside.write_text(json.dumps({"groups": groups}, indent=1) + "\n")
    beside.replace(path)
