"""The services of this instance, if it is there: what `./dagnix status` says of them."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from dagnix import UserError
from dagnix.doctor.finding import Finding, note, ok, problem
from dagnix.host.containers_conf import environment
from dagnix.host.probe import find_program
from dagnix.process import run
from dagnix.project import Project

LABEL = "io.podman.compose.project"
# What a service warns of, where that is no disk.
CURES = {"gate": "./dagnix tls install CERTIFICATE KEY gives it a renewed one"}


def judged(rows: Iterable[Mapping[str, Any]]) -> Iterator[Finding]:
    """Judge the services of `./dagnix status --json`."""
    sound = 0
    for row in rows:
        service = row["service"].partition(" ")[0]
        if not row["healthy"]:
            cure = f"./dagnix logs {service} says why; ./dagnix up starts what does not run"
            yield problem(f"service {row['service']}", row["says"], cure)
        elif row["warning"]:
            cure = CURES.get(service, "make room on that disk, before what is written there fails")
            yield note(f"service {row['service']}", row["warning"], cure)
        else:
            sound += 1
    yield ok("services", f"{sound} are well")


def findings(here: Project) -> Iterator[Finding]:
    """Ask the services, if podman has a container of any."""
    if not find_program("podman"):
        return
    own = environment()
    words = ["ps", "--all", "--quiet", "--filter", f"label={LABEL}={here.name}"]
    there = run(["podman", *words], "Podman lists no containers", check=False, env=own)
    if not there.output.strip():
        return
    program = here.roots / "cli" / "bin" / "dagnix"  # it has a Python of its own
    try:
        failure = "The services cannot be asked"
        told = run([program, "status", "--json"], failure, check=False, env={"PYTHONPATH": ""})
        rows = json.loads(told.output)["services"]
    except (UserError, ValueError) as error:
        yield note("services", f"cannot be asked: {error}", "./dagnix status")
        return
    yield from judged(rows)
