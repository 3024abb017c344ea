"""Podman: its version, its runtime, its limits, its networks."""

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dagnix import UserError
from dagnix.doctor import boot
from dagnix.doctor.disk import IMAGE_BYTES, disk
from dagnix.doctor.finding import Finding, note, ok, problem
from dagnix.host.containers_conf import environment, needed, needs_overlay, own_files, read
from dagnix.host.probe import PodmanHost, find_program, probe
from dagnix.process import run

OLDEST = (4, 3)
PLAIN_CURE = 'eval "$(./dagnix env)", or for good: ./dagnix doctor --fix'
INSTALL = "sudo apt-get install --no-install-recommends"


def version(found: tuple[int, int]) -> Finding:
    """Judge podman's version."""
    text = ".".join(map(str, found))
    if found < OLDEST:
        return problem("podman", f"is version {text}", "install podman 4.3 or later")
    return ok("podman", f"version {text}")


def helpers(missing: list[str]) -> Finding:
    """Judge which of the programs that podman calls are absent."""
    if missing:
        return problem(
            "podman's helpers", f"missing: {', '.join(missing)}", f"{INSTALL} {' '.join(missing)}"
        )
    return ok("podman's helpers", "netavark, aardvark-dns and iptables or nft are there")


def settings(needs: Mapping[str, Any]) -> Finding:
    """Judge what containers.conf must say here and does not."""
    if not needs:
        return ok("containers.conf", "podman works here as it is")
    says = "; ".join(
        f"[{table}] {key} = {json.dumps(value)}"
        for table, entries in needs.items()
        for key, value in entries.items()
    )
    return note("containers.conf", f"./dagnix sets {says}; for plain podman commands", PLAIN_CURE)


def runtime(host: PodmanHost, name: str) -> Finding:
    """Judge whether the OCI runtime that podman takes runs on this host's cgroups."""
    if name == "crun" and host.hybrid_cgroups:
        return problem(
            "OCI runtime", "crun refuses hosts with cgroup v1 and v2 mixed", f"{INSTALL} runc"
        )
    return ok("OCI runtime", f"{name}")


def storage(driver: str, *, told: bool) -> Finding:
    """Judge podman's storage driver; `told` is whether it would be another without Dagnix."""
    if told:
        return note(
            "storage", "./dagnix sets the driver overlay; for plain podman commands", PLAIN_CURE
        )
    if driver == "vfs":
        return note(
            "storage",
            "the driver is vfs, which is slow and copies every layer",
            'write `[storage]` and `driver = "overlay"` into ~/.config/containers/storage.conf, '
            "then `podman system reset`, which deletes all your containers, images and volumes",
        )
    return ok("storage", f"the driver is {driver}")


def network(backend: str) -> Finding:
    """Judge podman's network backend: CNI has no names between containers without a plugin."""
    if backend == "netavark":
        return ok("network", "netavark")
    return problem(
        "network",
        f"podman uses {backend}",
        f"{INSTALL} netavark aardvark-dns, then ./dagnix doctor --fix",
    )


def findings(state: Path) -> Iterator[Finding]:
    """Look at podman on this host; `state` is the checkout's .dagnix folder."""
    if not shutil.which("podman"):
        yield problem("podman", "is not installed", f"{INSTALL} podman netavark aardvark-dns")
        return
    host = probe()
    yield version(host.podman)
    absent = [name for name in ("netavark", "aardvark-dns") if not find_program(name)]
    if not find_program("iptables") and not find_program("nft"):
        absent += ["iptables", "nftables"]
    yield helpers(absent)
    needs = needed(host, read(own_files(state / "containers.conf")))
    yield settings(needs)
    yield from boot.findings(needs, state)
    command = ["podman", "info", "--format", "json"]
    try:
        said = run(
            command, "Podman does not work here", env=environment(state, host), timeout=60
        ).output
    except UserError as error:
        yield problem("podman info", str(error), "cure what podman says above")
        return
    info = json.loads(said)
    yield runtime(host, info["host"]["ociRuntime"]["name"])
    yield network(info["host"].get("networkBackend", "cni"))
    yield storage(info["store"]["graphDriverName"], told=needs_overlay(host))
    folder = Path(info["store"]["graphRoot"])
    yield disk("disk for images", folder, IMAGE_BYTES)
