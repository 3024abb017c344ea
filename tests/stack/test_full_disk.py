"""The disks that Postgres and pipelines write to fill up."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from dagster import DagsterRunStatus
from support.command import run
from support.dashboard import Dashboard
from support.podman import Podman
from support.stack import ROOT, Stack

from dagnix.project import IMAGE_USER

SIZE_BYTES = 200 << 20
# What is left, in percent: the health checks warn below 10, and fail below 2.
SCARCE, NONE = 6, 1
LOGS = "folder of compute logs"
WATCHED_BY = {"volume postgres-data": "postgres", "volume pipes-data": "pipes", LOGS: "pipes"}

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk")


@dataclass(frozen=True)
class Disk:
    """A small disk that a volume is on."""

    folder: Path

    def leave(self, percent: float) -> None:
        """Fill it until so much is left."""
        filler = self.folder / "filler"
        filler.unlink(missing_ok=True)
        found = os.statvfs(self.folder)
        left = int(found.f_blocks * found.f_frsize * percent / 100)
        with filler.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, found.f_bavail * found.f_frsize - left)

    def empty(self) -> None:
        """Take that back."""
        (self.folder / "filler").unlink()


@pytest.fixture(scope="module")
def disks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Disk]]:
    made = {}
    try:
        for name in WATCHED_BY:
            folder = tmp_path_factory.mktemp(name.replace(" ", "-"))
            options = f"size={SIZE_BYTES},uid={IMAGE_USER},gid={IMAGE_USER},mode=0700"
            run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder])
            made[name] = Disk(folder)
        yield made
    finally:
        for disk in made.values():
            run(["umount", disk.folder])


@pytest.fixture(scope="module")
def small(
    disks: dict[str, Disk], podman: Podman, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """A stack whose volumes are on them."""
    volumes = "\n".join(
        f"  {name.split()[1]}: {{driver_opts: {{type: none, o: bind, device: {disk.folder}}}}}"
        for name, disk in disks.items()
        if name != LOGS
    )
    folder = tmp_path_factory.mktemp("small")
    file = folder / "compose.small.yaml"
    file.write_text(f"volumes:\n{volumes}\n")
    files = f"{ROOT / 'compose.yaml'}:{file}"
    logs = str(disks[LOGS].folder)
    stack = Stack.new(podman, folder, COMPOSE_FILE=files, DAGNIX_COMPUTE_LOGS_DIR=logs)
    try:
        stack.dagnix("up")
        yield stack
    finally:
        podman.remove(stack.project)


def test_disks_that_fill_up_are_told_of_early_and_by_name(
    small: Stack, disks: dict[str, Disk]
) -> None:
    # Postgres writes into what it has, so that it needs no room until this test has ended.
    small.sql("SELECT pg_switch_wal()")
    small.sql("CHECKPOINT")
    for place, service in WATCHED_BY.items():
        disks[place].leave(SCARCE)
        warned = small.status()[service]
        assert warned["healthy"], warned
        assert f"the disk of the {place} is almost full" in warned["warning"], warned
        assert small.dagnix("status", check=False).returncode == 0
        disks[place].leave(NONE)
        full = small.status()[service]
        assert not full["healthy"], full
        assert f"the disk of the {place} is full" in full["says"], full
        for command in ("status", "doctor"):
            told = small.dagnix(command, check=False)
            assert told.returncode == 1, command
            assert f"the disk of the {place} is full" in told.stdout, told.stdout
        disks[place].empty()
    small.dagnix("status")
    _, status = Dashboard(small.port).run("example")
    assert status is DagsterRunStatus.SUCCESS


def test_postgres_comes_back_when_its_disk_has_room_again(
    small: Stack, disks: dict[str, Disk]
) -> None:
    """It ends when it can write nothing at all."""
    disks["volume postgres-data"].leave(0)
    write = "CREATE TABLE much AS SELECT repeat('x', 900) FROM generate_series(1, 100000)"
    words = ("--host=/run/postgresql", "--username=postgres", "--command", write, "dagster")
    done = small.exec("postgres", "/usr/lib/postgresql/17/bin/psql", *words, check=False)
    assert done.returncode != 0
    told = small.dagnix("status", check=False)
    assert told.returncode == 1
    disks["volume postgres-data"].empty()
    small.wait_for_health("postgres")
    _, status = Dashboard(small.port).run("example")
    assert status is DagsterRunStatus.SUCCESS
