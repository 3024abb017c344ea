"""What `./dagnix status` tells beside the services, as JSON and on the screen."""

import io
import json
import tempfile
from dataclasses import asdict, replace
from pathlib import Path

import jsonschema
import pytest
from rich.console import Console

from dagnix import project
from dagnix.checkout import Checkout
from dagnix.deploy.described import Location
from dagnix.locks import updates
from dagnix.locks.updates import Found, Update
from dagnix.stack.containers import Container
from dagnix.status import backups, disks, runs, screen
from dagnix.status.backups import Backup
from dagnix.status.disks import Disk
from dagnix.status.report import Report, certificate_ends
from dagnix.status.runs import Run, Runs
from dagnix.status.services import Row

ROOT = Path(__file__).parents[3]
SCHEMA = json.loads((ROOT / "docs/reference/status.schema.json").read_text())
GIB = 2**30
SYSTEM = "x86_64-linux"
DIGEST = "sha256:0123456789abcdef"
NAMES = ("alerts", "backup", "daemon", "gate", "pipes", "postgres", "webserver")
REPORT = Report(
    instance="dagnix",
    url="https://127.0.0.1:3000",
    at="2026-11-28T12:00:00+00:00",
    healthy=True,
    services=tuple(
        Row(name, "running", True, "is well", f"localhost/dagnix/{name}:1", DIGEST, 60.5, 0)
        for name in NAMES
    ),
    locations=(
        Location("pipes", True, "2026-11-28T11:00:00+00:00", "deploy", DIGEST, "ab" * 20, ""),
    ),
    runs=Runs(
        queued=3,
        in_flight=1,
        newest=(Run("01234567-89ab", "weather", "pipes", "2026-11-28T11:59:00+00:00"),),
        last_failure=Run("76543210-89ab", "other", "pipes", "2026-11-27T11:00:00+00:00"),
    ),
    disks=(Disk(("pipes-data", "postgres-data"), 5 * GIB, 20 * GIB),),
    backup=Backup("/backups/dagnix-20261128T100000Z.zip", "2026-11-28T10:00:00+00:00", 1234),
    certificate_ends="2027-03-01T11:00:00Z",
    security_updates=Found(
        "2026-11-27T12:00:00+00:00",
        (Update("libssl3t64", "3.5.1-1", "3.5.1-1+deb13u1", "debian", ("base",), (SYSTEM,)),),
    ),
)


def as_json(report: Report) -> dict:
    return json.loads(json.dumps(asdict(report)))


def valid(told: dict) -> bool:
    checker = jsonschema.Draft202012Validator(SCHEMA)
    return not list(checker.iter_errors(told))


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_the_schema_describes_all_that_is_told() -> None:
    assert valid(as_json(REPORT))
    nothing = replace(REPORT, runs=None, backup=None, certificate_ends=None, disks=(), locations=())
    assert valid(as_json(replace(nothing, security_updates=None)))
    starting = Runs(0, 1, (Run("01234567", "weather", "", ""),), None)
    assert valid(as_json(replace(REPORT, runs=starting)))


def test_the_schema_describes_nothing_else() -> None:
    told = as_json(REPORT)
    assert not valid({**told, "more": 1})
    for name in told:
        assert not valid({key: value for key, value in told.items() if key != name}), name
    told["services"][0]["uptime"] = "1 day"
    assert not valid(told)


def shown(report: Report) -> list[str]:
    text = io.StringIO()
    Console(file=text, width=200).print(screen.of(report), soft_wrap=True)
    return [line.rstrip() for line in text.getvalue().splitlines()]


def test_all_is_on_one_screen() -> None:
    lines = shown(REPORT)
    assert len(lines) <= 24
    text = "\n".join(lines)
    for line in (
        "runs          3 in the queue, 1 in flight",
        "              01234567 weather (pipes) for 0:01:00",
        "last failure  76543210 other (pipes) 1 day, 1:00:00 ago",
        "disk          5.0 of 20.0 GiB free: pipes-data, postgres-data",
        "last backup   2:00:00 ago: /backups/dagnix-20261128T100000Z.zip",
        "pipes         sha256:0123456789ab (deploy of abababababab), served, since 2026-11-28",
        "certificate   ends 2027-03-01",
        "security      1 to lock: libssl3t64 (looked 1 day, 0:00:00 ago)",
    ):
        assert line in text


def test_security_updates_are_those_that_were_found_and_are_not_locked(checkout: Path) -> None:
    here = Checkout(checkout, checkout)
    assert updates.last(here, updates.DEBIAN) is None
    lock = checkout / "nix" / "locks" / "debian.json"
    lock.parent.mkdir(parents=True)
    lock.write_text(json.dumps({"packages": {SYSTEM: {"libssl3t64": {"version": "3.5.1-1"}}}}))
    recorded = updates.record(here, updates.DEBIAN, REPORT.security_updates.updates)
    updates.record(here, updates.PYTHON, [])
    assert updates.last(here, updates.DEBIAN) == recorded
    lock.write_text(lock.read_text().replace("3.5.1-1", "3.5.1-1+deb13u1"))
    assert updates.last(here, updates.DEBIAN) == Found(recorded.at, ())
    told = "\n".join(shown(replace(REPORT, security_updates=Found(recorded.at, ()))))
    assert "security      no update to lock (looked " in told
    told = "\n".join(shown(replace(REPORT, security_updates=None)))
    assert "security      ./dagnix updates looks for updates" in told


@pytest.mark.parametrize(
    "text", ["", "[]", '{"debian": 1}', '{"debian": {"at": "", "updates": [1]}}']
)
def test_a_record_that_is_damaged_is_none(checkout: Path, text: str) -> None:
    here = Checkout(checkout, checkout)
    here.state.mkdir(exist_ok=True)
    (here.state / "updates.json").write_text(text)
    assert updates.last(here, updates.DEBIAN) is None


def test_what_others_wrote_does_not_steer_the_terminal() -> None:
    failed = Run("0", "\x1b]0;title\x07", "[red]pipes", "")
    told = replace(REPORT, runs=Runs(0, 0, (), failed))
    text = "\n".join(shown(told))
    assert "\x1b" not in text
    assert "^[]0;title^G ([red]pipes) ? ago" in text


def test_the_end_of_the_certificate_is_the_gates() -> None:
    gate = Row("gate", "running", True, "", "", "", 1, 0)
    says = "the gate serves; its certificate ends 2027-03-01T11:00:00Z; warning: it does"
    assert certificate_ends([replace(gate, says=says)]) == "2027-03-01T11:00:00Z"
    assert certificate_ends([replace(gate, says="the gate serves")]) is None
    assert certificate_ends([replace(gate, service="pipes", says=says)]) is None


def test_the_last_backup_is_the_newest_by_its_name(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(checkout)
    here = project.current()
    assert backups.last(here) is None
    scheduled = here.backups / "scheduled"
    scheduled.mkdir(parents=True)
    for path in (
        scheduled / "dagnix-20261128T100000Z.zip",
        here.backups / "dagnix-20261127T100000Z.zip",
        here.backups / "dagnix-20261129T100000Z.partial",
        here.backups / "dagnix-other-20261129T100000Z.zip",
    ):
        path.write_text("1234")
    last = backups.last(here)
    assert last == Backup(
        str(scheduled / "dagnix-20261128T100000Z.zip"), "2026-11-28T10:00:00+00:00", 4
    )


def test_the_fullest_disk_is_told_first(monkeypatch: pytest.MonkeyPatch, checkout: Path) -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as memory:  # another disk
        monkeypatch.setenv("DAGNIX_BACKUPS_DIR", memory)
        found = disks.find(project.current(), [])
    assert checkout.is_dir()
    free = [disk.free for disk in found]
    assert len(set(free)) > 1
    assert free == sorted(free)


def test_runs_are_told_by_what_the_webserver_answers(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = {
        "runId": "0",
        "jobName": "weather",
        "startTime": 60.0,
        "endTime": None,
        "creationTime": 1.0,
        "repositoryOrigin": {"repositoryLocationName": "pipes"},
    }
    answer = {
        "queued": {"count": 3},
        "flying": {"count": 1},
        "newest": {"results": [told]},
        "failed": {"results": [{**told, "endTime": 120.0, "repositoryOrigin": None}]},
    }
    monkeypatch.setattr(runs.dashboard, "ask", lambda *_: answer)
    assert checkout.is_dir()
    assert runs.ask(project.current()) == Runs(
        queued=3,
        in_flight=1,
        newest=(Run("0", "weather", "pipes", "1970-01-01T00:01:00+00:00"),),
        last_failure=Run("0", "weather", "", "1970-01-01T00:02:00+00:00"),
    )


def test_each_disk_is_told_once_with_all_that_it_holds(checkout: Path) -> None:
    here = project.current()
    volume = {
        "Type": "volume",
        "Name": f"{here.name}_pipes-data",
        "Source": str(checkout),
        "Destination": "/var/lib/dagster",
    }
    labels = {"io.podman.compose.project": here.name}
    container = Container({"Config": {"Labels": labels}, "Mounts": [volume]})
    here.backups.mkdir(parents=True)
    found = disks.find(here, [container])
    (own,) = (disk for disk in found if "pipes-data" in disk.holds)
    assert "backups" in own.holds
    assert "compute logs" not in {name for disk in found for name in disk.holds}
    assert 0 < own.free <= own.size
