"""Podman: its version, its runtime, its limits, its networks."""

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dagnix import UserError
from dagnix.doctor import boot
from dagnix.doctor.disk import IMAGE_BYTES, disk
from dagnix.doctor.finding import Finding, note, ok, problem
from dagnix.doctor.rootless import PASTA_SINCE
from dagnix.host.containers_conf import environment, needed, needs_overlay, own_files, read
from dagnix.host.probe import PodmanHost, find_program, probe
from dagnix.process import run
from dagnix.project import Project

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


# What podman 6 does without, and what takes its place.
REMOVED = {
    "cgroup v1": "boot with cgroup v2 alone (systemd.unified_cgroup_hierarchy=1)",
    "CNI": f"{INSTALL} netavark aardvark-dns",
    "slirp4netns": f"{INSTALL} passt",
    "BoltDB": "nothing: podman 6 moves its database to SQLite",
    "iptables": f"{INSTALL} nftables",
}


def used(host: PodmanHost, info: Mapping[str, Any], *, root: bool, nft: bool) -> list[str]:
    """Return what is in use here and no more in podman 6; `info` is what podman tells of itself."""
    program = "slirp4netns" if host.podman < PASTA_SINCE else "pasta"
    in_use = {
        "cgroup v1": host.hybrid_cgroups or info.get("cgroupVersion") == "v1",
        "CNI": info.get("networkBackend", "cni") == "cni",
        "slirp4netns": not root and info.get("rootlessNetworkCmd", program) == "slirp4netns",
        # Podman before 4.8 knows no other, and does not say so.
        "BoltDB": info.get("databaseBackend", "boltdb") == "boltdb",
        "iptables": not nft,
    }
    return [name for name, used in in_use.items() if used]


def removed(found: tuple[int, int], uses: list[str]) -> Finding:
    """Judge what is in use here and no more in podman 6."""
    if not uses:
        return ok("podman 6", "has all that is in use here")
    cure = "; ".join(f"{name}: {REMOVED[name]}" for name in uses)
    if found >= (6, 0):
        return problem("podman 6", f"is here, and does without {', '.join(uses)}", cure)
    says = f"does without {', '.join(uses)}, in use here: before an upgrade of podman"
    return note("podman 6", says, cure)


def findings(here: Project) -> Iterator[Finding]:
    """Look at podman on this host, for this instance."""
    if not shutil.which("podman"):
        yield problem("podman", "is not installed", f"{INSTALL} podman netavark aardvark-dns")
        return
    host = probe()
    yield version(host.podman)
    absent = [name for name in ("netavark", "aardvark-dns") if not find_program(name)]
    if not find_program("iptables") and not find_program("nft"):
        absent += ["iptables", "nftables"]
    yield helpers(absent)
    needs = needed(host, read(own_files()))
    yield settings(needs)
    yield from boot.findings(here, needs)
    command = ["podman", "info", "--format", "json"]
    try:
        said = run(command, "Podman does not work here", env=environment(host), timeout=60).output
    except UserError as error:
        yield problem("podman info", str(error), "cure what podman says above")
        return
    info = json.loads(said)
    yield runtime(host, info["host"]["ociRuntime"]["name"])
    yield network(info["host"].get("networkBackend", "cni"))
    nft, root = find_program("nft") is not None, os.geteuid() == 0
    yield removed(host.podman, used(host, info["host"], root=root, nft=nft))
    yield storage(info["store"]["graphDriverName"], told=needs_overlay(host))
    folder = Path(info["store"]["graphRoot"])
    yield disk("disk for images", folder, IMAGE_BYTES)
