"""Logs and files: gone with their run, by their age, and when they have no run."""

import datetime as dt
import json
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from dagster import AssetMaterialization, DagsterInstance, DagsterRunStatus
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.remote_origin import RemoteInstigatorOrigin
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    SensorInstigatorData,
    TickData,
    TickStatus,
)
from harness import ANSWER_SECONDS, Served, World, until
from kept import NOW, Kept

from dagster_dagnix import launcher, leftovers
from dagster_dagnix.prune.folders import MARKER
from dagster_dagnix.prune.once import Order, prune


def age(path: Path, days: float) -> None:
    then = (NOW - dt.timedelta(days=days)).timestamp()
    os.utime(path, (then, then))


def test_a_run_that_is_deleted_takes_its_logs_and_files_along(keep: Callable[..., Kept]) -> None:
    kept = keep()
    first, second = kept.run(0), kept.run(0)
    kept.instance.delete_run(first)  # as the dashboard does
    assert kept.left(first, second) == [False, True]


def test_logs_that_cannot_be_removed_do_not_keep_their_run(
    keep: Callable[..., Kept], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = keep()
    run = kept.run(0)

    def fail(**_: object) -> None:
        raise PermissionError("no")

    monkeypatch.setattr(kept.instance.compute_log_manager, "delete_logs", fail)
    kept.instance.delete_run(run)
    assert not kept.instance.has_run(run)
    assert not kept.file(run).exists()


def test_an_id_is_no_path_to_somewhere_else(keep: Callable[..., Kept]) -> None:
    kept = keep()
    run = kept.run(0)
    for name in ("..", ".", "", "../home", run.upper(), f"{run}/.."):
        leftovers.remove_files(kept.instance, name)
    assert kept.left(run) == [True]


def test_files_that_only_the_run_server_has_are_removed_by_it(
    world: World,
    serve: Callable[..., Served],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As when a run is deleted in the dashboard, whose container has no files of steps."""
    monkeypatch.setattr(launcher, "REMOVE_SECONDS", ANSWER_SECONDS)
    serve("deleted").ready()
    runs = [world.run("deleted", "works") for _ in range(2)]
    folders = [leftovers.files_root(world.instance) / each.run_id for each in runs]
    for folder in folders:
        folder.mkdir(parents=True)
        (folder / "result").write_text("something")
    with elsewhere(world.instance, tmp_path, "compute_logs_data") as dashboard:
        assert leftovers.files_root(dashboard) == tmp_path / "storage"
        # Whoever asks for a run's files to be removed does not get that while the run is there.
        world.instance.run_launcher.remove_files("deleted", runs[1].run_id)
        dashboard.delete_run(runs[0].run_id)
    until(lambda: not folders[0].exists(), "the files are removed")
    assert folders[1].exists()
    world.instance.delete_run(runs[1].run_id)


@contextmanager
def elsewhere(instance: DagsterInstance, folder: Path, *more: str) -> Iterator[DagsterInstance]:
    """Be in another container, which has none of the files of steps, and none of `more`."""
    ref = instance.get_ref()
    other = {
        name: getattr(ref, name)._replace(config_yaml=f"base_dir: {folder}")
        for name in ("local_artifact_storage_data", *more)
    }
    with DagsterInstance.from_ref(ref._replace(**other)) as made:
        yield made


def test_who_prunes_has_the_run_servers_remove_files(
    own: Kept, keep: Callable[..., Kept], tmp_path: Path
) -> None:
    """As in the webserver's container, which has the logs but no files of steps."""
    kept = keep(step_file_days=30)
    config = json.loads((own.world.home / "dagster.yaml").read_text())
    config["storage"]["custom"]["config"]["retention"] = {"step_file_days": 30}
    config["local_artifact_storage"] = {
        "module": "dagster._core.storage.root",
        "class": "LocalArtifactStorage",
        "config": {"base_dir": str(own.world.home)},
    }
    (tmp_path / "dagster.yaml").write_text(json.dumps(config))
    server = Served(own.world, "ours", DAGSTER_HOME=str(tmp_path))
    try:
        server.ready()
        old, aged, young = kept.run(500), kept.run(40, job="other"), kept.run(5)
        with elsewhere(kept.instance, tmp_path / "none") as webserver:
            webserver.run_storage.retention = kept.instance.run_storage.retention
            dry = prune(webserver, Order(is_dry=True), NOW)
            assert kept.left(old, aged, young) == [True] * 3
            done = prune(webserver, Order(), NOW)
        assert (dry.runs, dry.files, dry.logs) == (done.runs, done.files, done.logs)
        assert dry.files > 0
        assert (dry.away, done.away) == ([], [])
        assert kept.left(old, young) == [False, True]
        assert kept.instance.has_run(aged)
        assert [kept.file(aged).exists(), kept.log(aged).exists()] == [False, True]
    finally:
        server.kill()


def test_files_of_a_location_that_is_away_stay_and_it_is_said(
    own: Kept, keep: Callable[..., Kept], tmp_path: Path
) -> None:
    kept = keep()
    shutil.rmtree(own.world.sockets, ignore_errors=True)
    run = kept.run(500)
    with elsewhere(kept.instance, tmp_path) as webserver:
        report = prune(webserver, Order(), NOW)
    assert report.away == ["ours"]
    assert "Files of ours stay for now: its run server does not answer." in report.lines()
    assert not kept.instance.has_run(run)
    assert not kept.log(run).exists()
    assert kept.file(run).exists()


def test_a_run_of_another_location_keeps_its_files(
    keep: Callable[..., Kept], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As row-level security lets no location delete runs of others, and raises no error."""
    kept = keep()
    run = kept.run(0)
    monkeypatch.setattr("dagster_postgres.PostgresRunStorage.delete_run", lambda *_: None)
    kept.instance.run_storage.delete_run(run)
    assert kept.left(run) == [True]


@pytest.mark.parametrize("what", ["run", "logs"])
def test_a_link_of_a_locations_removes_nothing_elsewhere(
    keep: Callable[..., Kept], what: str
) -> None:
    kept = keep(compute_log_days=10, orphan_days=7)
    victim = kept.logs.parent / "other"
    shutil.rmtree(victim, ignore_errors=True)
    (victim / "compute_logs").mkdir(parents=True)
    (victim / "compute_logs/a.out").write_text("something")
    run = kept.run(25, AssetMaterialization("a"))
    orphan = kept.logs / str(uuid.uuid4())
    orphan.symlink_to(victim)
    inside = "" if what == "run" else "compute_logs"
    shutil.rmtree(kept.logs / run / inside)
    (kept.logs / run / inside).symlink_to(victim / inside)
    kept.prune()
    assert [each.name for each in victim.rglob("*")] == ["compute_logs", "a.out"]
    shutil.rmtree(victim)


def test_logs_and_files_of_runs_that_stay_go_by_their_age(keep: Callable[..., Kept]) -> None:
    kept = keep(compute_log_days=10, step_file_days=20)
    last = AssetMaterialization("a")
    runs = [kept.run(days, last.with_metadata({})) for days in (25, 15, 5)]
    flies = kept.run(25, status=DagsterRunStatus.STARTED)
    dry = kept.prune(is_dry=True)
    done = kept.prune()
    assert (dry.files, dry.logs) == (done.files, done.logs)
    assert all(kept.instance.has_run(each) for each in runs)
    assert [kept.file(each).exists() for each in runs] == [False, True, True]
    assert [kept.log(each).exists() for each in runs] == [False, False, True]
    assert kept.left(flies) == [True]


def test_what_has_no_run_goes_after_a_while(keep: Callable[..., Kept]) -> None:
    kept = keep(orphan_days=7)
    run = kept.run(0)
    kept.sql("DELETE FROM event_logs")
    kept.sql("DELETE FROM runs")
    kept.prune(is_dry=True)
    markers = [root / run / MARKER for root in (kept.base, kept.logs)]
    assert not any(each.exists() for each in markers)
    kept.prune()
    for days, is_left in ((6, True), (8, False)):
        for each in markers:
            age(each, days)
        kept.prune()
        assert [each.parent.exists() for each in markers] == [is_left] * 2


def test_a_run_that_came_back_has_its_files(keep: Callable[..., Kept]) -> None:
    """As when a restore was taken back."""
    kept = keep(orphan_days=7)
    run = kept.run(0)
    marker = kept.base / run / MARKER
    marker.touch()
    age(marker, 100)
    kept.prune()
    assert kept.left(run) == [True]
    assert not marker.exists()


def test_an_assets_files_are_no_runs_whatever_its_name(keep: Callable[..., Kept]) -> None:
    kept = keep(orphan_days=7)
    name = str(uuid.uuid4())
    kept.run(0, AssetMaterialization([name, "part"]))
    (kept.base / name).mkdir()
    (kept.base / "an_asset").write_text("something")
    kept.prune()
    assert not (kept.base / name / MARKER).exists()
    assert (kept.base / "an_asset").exists()


def test_logs_of_ticks_go_by_their_age(keep: Callable[..., Kept]) -> None:
    kept = keep(compute_log_days=10)
    kept.run(0)
    folder = kept.logs / "__repository__/sensor"
    folder.mkdir(parents=True)
    for name, days in (("1.err", 11), ("2.err", 9), ("notes.txt", 100)):
        (folder / name).touch()
        age(folder / name, days)
    kept.prune()
    assert {each.name for each in folder.iterdir()} == {"2.err", "notes.txt"}


@pytest.fixture
def sensor(own: Kept) -> InstigatorState:
    """A sensor that is stopped, so that the daemon does not delete its ticks."""
    run = own.world.run("ours", "works")
    assert run.remote_job_origin
    origin = RemoteInstigatorOrigin(run.remote_job_origin.repository_origin, "sensor")
    return InstigatorState(
        origin, InstigatorType.SENSOR, InstigatorStatus.STOPPED, SensorInstigatorData()
    )


def ticks(kept: Kept, sensor: InstigatorState, *made: tuple[float, TickStatus]) -> None:
    kept.instance.add_instigator_state(sensor)
    for days, status in made:
        tick = TickData(
            instigator_origin_id=sensor.instigator_origin_id,
            instigator_name="sensor",
            instigator_type=InstigatorType.SENSOR,
            status=status,
            timestamp=(NOW - dt.timedelta(days=days)).timestamp(),
            selector_id=sensor.selector_id,
            run_ids=[],
            skip_reason="nothing" if status is TickStatus.SKIPPED else None,
        )
        kept.instance.create_tick(tick)


def left(kept: Kept, sensor: InstigatorState) -> list[int]:
    found = kept.instance.get_ticks(sensor.instigator_origin_id, sensor.selector_id)
    return [round((NOW.timestamp() - each.timestamp) / 86400) for each in found]


def test_ticks_of_a_sensor_that_is_stopped_go_by_their_age(
    keep: Callable[..., Kept], sensor: InstigatorState
) -> None:
    kept = keep()
    skipped = [(days, TickStatus.SKIPPED) for days in (12, 10, 8, 5)]  # 7 days, as Dagster has it
    ticks(kept, sensor, (11, TickStatus.SUCCESS), *skipped)
    assert kept.prune(is_dry=True).ticks == 3
    assert kept.prune().ticks == 3
    assert left(kept, sensor) == [5, 11]


def test_the_last_tick_stays(keep: Callable[..., Kept], sensor: InstigatorState) -> None:
    kept = keep()
    ticks(kept, sensor, (200, TickStatus.SKIPPED), (100, TickStatus.SKIPPED))
    kept.prune()
    assert left(kept, sensor) == [100]


def test_ticks_go_by_their_number(keep: Callable[..., Kept], sensor: InstigatorState) -> None:
    kept = keep(ticks=2)
    ended = [(days, TickStatus.SUCCESS) for days in (6, 5, 4, 3, 2)]
    ticks(kept, sensor, (7, TickStatus.STARTED), *ended)
    assert kept.prune().ticks == 3
    assert left(kept, sensor) == [2, 3, 7]
