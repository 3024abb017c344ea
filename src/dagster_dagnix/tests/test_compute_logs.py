"""Compute logs: each code location has a folder of its own, and the webserver finds them all."""

import json
from pathlib import Path
from typing import Any

import pytest
from dagster import DagsterInstance
from dagster._core.remote_origin import GrpcServerCodeLocationOrigin, RemoteRepositoryOrigin
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    InstigatorType,
    SensorInstigatorData,
    TickData,
    TickStatus,
)
from dagster._core.storage.compute_log_manager import ComputeIOType
from harness import World

from dagster_dagnix import DagnixComputeLogManager

SHARED = "shared"


def instance(world: World, folder: Path) -> DagsterInstance:
    """Return the instance of a container that has this folder of logs."""
    (folder / "home").mkdir(parents=True)
    config: dict[str, Any] = json.loads((world.home / "dagster.yaml").read_text())
    config["compute_logs"] = {
        "module": "dagster_dagnix",
        "class": "DagnixComputeLogManager",
        "config": {"base_dir": str(folder / "logs"), "shared_dir": str(folder / SHARED)},
    }
    (folder / "home" / "dagster.yaml").write_text(json.dumps(config))
    return DagsterInstance.from_config(str(folder / "home"))


@pytest.fixture
def webserver(world: World, tmp_path: Path) -> DagsterInstance:
    """An instance that sees the folders of two code locations."""
    for location in ("first", "second"):
        (tmp_path / "logs" / location).mkdir(parents=True)
    return instance(world, tmp_path)


def write(folder: Path, key: list[str], what: str) -> None:
    path = folder.joinpath(*key).with_suffix(".out")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(what)


def read(instance: DagsterInstance, key: list[str]) -> bytes | None:
    return instance.compute_log_manager.get_log_data(key).stdout


def test_a_location_writes_to_its_folder_and_the_webserver_reads_it(
    world: World, webserver: DagsterInstance, tmp_path: Path
) -> None:
    # Its container has its folder alone.
    own = instance(world, tmp_path / "container")
    (tmp_path / "container" / "logs").mkdir()
    (tmp_path / "container" / "logs" / "second").symlink_to(tmp_path / "logs" / "second")
    key = [world.run("second", "works").run_id, "compute_logs", "step"]
    with own.compute_log_manager.open_log_stream(key, ComputeIOType.STDOUT) as stream:
        stream.write("printed")
    assert (tmp_path / "logs" / "second").joinpath(*key).with_suffix(".out").exists()
    assert read(webserver, key) == b"printed"
    assert isinstance(webserver.compute_log_manager, DagnixComputeLogManager)


def test_what_another_location_says_of_a_run_is_not_shown(
    world: World, webserver: DagsterInstance, tmp_path: Path
) -> None:
    key = [world.run("second", "works").run_id, "compute_logs", "step"]
    write(tmp_path / "logs" / "first", key, "a lie")
    assert read(webserver, key) is None
    write(tmp_path / "logs" / "second", key, "true")
    assert read(webserver, key) == b"true"


def test_what_another_location_says_of_a_sensor_is_not_shown(
    world: World, webserver: DagsterInstance, tmp_path: Path
) -> None:
    code = GrpcServerCodeLocationOrigin("localhost", socket="s", location_name="second")
    origin = RemoteRepositoryOrigin(code, "__repository__").get_instigator_origin("watch")
    state = InstigatorState(
        origin, InstigatorType.SENSOR, InstigatorStatus.RUNNING, SensorInstigatorData()
    )
    world.instance.add_instigator_state(state)
    tick = world.instance.create_tick(
        TickData(
            origin.get_id(), "watch", InstigatorType.SENSOR, TickStatus.STARTED, 0.0,
            selector_id=state.selector_id,
        )
    )  # fmt: skip
    key = ["__repository__", "watch", str(tick.tick_id)]
    write(tmp_path / "logs" / "first", key, "a lie")
    assert read(webserver, key) is None
    write(tmp_path / "logs" / "second", key, "true")
    assert read(webserver, key) == b"true"


def test_a_link_of_a_locations_leads_nowhere(
    world: World, webserver: DagsterInstance, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hush")
    key = [world.run("first", "works").run_id, "compute_logs", "step"]
    write(tmp_path / "logs" / "first", key, "")
    path = (tmp_path / "logs" / "first").joinpath(*key).with_suffix(".out")
    for target in (secret, tmp_path / "logs" / "second"):
        path.unlink()
        path.symlink_to(target)
        with pytest.raises(ValueError, match="Invalid path"):
            read(webserver, key)
    with pytest.raises(ValueError, match="Invalid path"):
        read(webserver, ["..", "secret"])


def test_logs_from_before_are_found(
    world: World, webserver: DagsterInstance, tmp_path: Path
) -> None:
    key = [world.run("first", "works").run_id, "compute_logs", "step"]
    write(tmp_path / SHARED, key, "before")
    assert read(webserver, key) == b"before"
    write(tmp_path / "logs" / "first", key, "now")
    assert read(webserver, key) == b"now"


def test_logs_of_a_run_are_deleted_wherever_they_are_and_no_others(
    world: World, webserver: DagsterInstance, tmp_path: Path
) -> None:
    run, other = (world.run("first", "works").run_id for _ in range(2))
    for root in ("logs/first", "logs/second", SHARED):
        for each in (run, other):
            write(tmp_path / root, [each, "compute_logs", "step"], "printed")
    webserver.compute_log_manager.delete_logs(prefix=[run])
    left = {each.parent.parent.name for each in tmp_path.rglob("step.out")}
    assert left == {other}
    assert len(list(tmp_path.rglob("step.out"))) == 3


@pytest.mark.parametrize("depth", [1, 2], ids=["run", "in a run"])
def test_a_link_deletes_nothing_elsewhere(
    world: World, webserver: DagsterInstance, tmp_path: Path, depth: int
) -> None:
    theirs, own = (world.run(each, "works").run_id for each in ("second", "first"))
    write(tmp_path / "logs/second", [theirs, "compute_logs", "step"], "printed")
    link = tmp_path / "logs/first" / own
    link.symlink_to(tmp_path / "logs/second" / theirs)
    webserver.compute_log_manager.delete_logs(prefix=[own, "compute_logs"][:depth])
    assert link.is_symlink() == (depth == 2)
    assert read(webserver, [theirs, "compute_logs", "step"]) == b"printed"


@pytest.mark.parametrize("name", ["..", ".", "", "../second"])
def test_a_prefix_is_no_path_to_somewhere_else(webserver: DagsterInstance, name: str) -> None:
    with pytest.raises(ValueError, match="no name of something"):
        webserver.compute_log_manager.delete_logs(prefix=[name])
