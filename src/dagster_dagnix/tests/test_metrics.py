"""What Prometheus reads, where dagster-webserver and prometheus-client are installed."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from dagster import DagsterRunStatus, RunsFilter
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    InstigatorType,
    ScheduleInstigatorData,
    SensorInstigatorData,
    TickData,
    TickStatus,
)
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import GrpcServerTarget
from harness import Served, World

pytest.importorskip("prometheus_client")
pytest.importorskip("dagster_webserver")

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from dagster_dagnix.metrics import automation, runs
from dagster_dagnix.metrics.collector import Collector

LOCATION = "metrics"
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture(scope="module")
def served(serve: Callable[..., Served]) -> Served:
    return serve(LOCATION).ready()


@pytest.fixture(scope="module")
def workspace(world: World, served: Served) -> Iterator[WorkspaceProcessContext]:
    socket = world.sockets / LOCATION / "code.sock"
    assert served.ask("ping")["code"]["ready"]
    target = GrpcServerTarget(
        host="localhost", port=None, socket=str(socket), location_name=LOCATION
    )
    with WorkspaceProcessContext(world.instance, target) as context:
        yield context


class Page:
    """What one webserver tells."""

    def __init__(self, context: WorkspaceProcessContext) -> None:
        self.registry = CollectorRegistry()
        self.registry.register(Collector(context))
        self.read()

    def read(self) -> Samples:
        page = generate_latest(self.registry).decode()
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(page)
            for sample in family.samples
        }

    def value(self, metric: str, **labels: str) -> float | None:
        return self.read().get((metric, frozenset(labels.items())))


def test_runs_are_counted_as_they_go(world: World, workspace: WorkspaceProcessContext) -> None:
    page = Page(workspace)
    job = {"job_name": "works", "location": LOCATION}
    assert page.value("dagster_active_runs", **job, status="queued") == 0
    assert page.value("dagster_completed_runs_total", **job, status="success") == 0
    run = world.run(LOCATION, "works")  # is STARTING
    assert page.value("dagster_active_runs", **job, status="starting") == 1
    assert 0 <= page.value("dagster_active_run_duration_seconds", **job, status="starting") < 60
    world.wait(world.launch(run), "SUCCESS")
    for _ in range(3):  # each is counted once
        assert page.value("dagster_completed_runs_total", **job, status="success") == 1
    assert page.value("dagster_active_runs", **job, status="starting") == 0
    assert page.value("dagster_last_run_info", **job, status="success") == 1
    assert 0 < page.value("dagster_last_run_duration_seconds", **job, status="success") < 60
    # A tag that is added later writes to the run's row once more.
    time.sleep(0.01)
    world.instance.add_run_tags(run.run_id, {"later": "1"})
    assert page.value("dagster_completed_runs_total", **job, status="success") == 1
    # Another webserver counts from its own start, and knows of the last run.
    other = Page(workspace)
    assert other.value("dagster_completed_runs_total", **job, status="success") == 0
    assert other.value("dagster_last_run_info", **job, status="success") == 1


def test_the_queue_has_an_age_and_a_backlog(
    world: World, workspace: WorkspaceProcessContext
) -> None:
    page = Page(workspace)
    for left in world.instance.get_runs(RunsFilter(statuses=[DagsterRunStatus.QUEUED])):
        world.instance.report_run_canceled(left)  # by another test
    assert page.value("dagster_run_queue_head_age_seconds") == 0
    run = world.run(LOCATION, "works", {"dagster/concurrency_key": "heavy"})
    with world.instance.run_storage.connect() as connection:  # type: ignore[attr-defined]
        connection.exec_driver_sql(
            "UPDATE runs SET status = 'QUEUED', "
            "create_timestamp = create_timestamp - interval '1 hour' WHERE run_id = %s",
            (run.run_id,),
        )
    assert 3600 <= page.value("dagster_run_queue_head_age_seconds") < 3700
    backlog = "dagster_run_queue_concurrency_key_backlog"
    assert page.value(backlog, concurrency_key="heavy") == 1
    world.instance.report_run_canceled(world.get(run))
    assert page.value(backlog, concurrency_key="heavy") == 0
    assert page.value("dagster_run_queue_head_age_seconds") == 0
    job = {"job_name": "works", "location": LOCATION}
    assert page.value("dagster_completed_runs_total", **job, status="canceled") == 1


def test_a_location_that_does_not_load_is_told(world: World) -> None:
    target = GrpcServerTarget(
        host="localhost", port=None, socket=str(world.sockets / "none.sock"), location_name="none"
    )
    with WorkspaceProcessContext(world.instance, target) as context:
        page = Page(context)
        assert page.value("dagster_code_location_load_error", location="none") == 1
        assert page.value("dagster_exporter_last_scrape_success", collector="active_runs") == 1


def test_schedules_and_sensors_tell_how_late_they_are(
    world: World, workspace: WorkspaceProcessContext
) -> None:
    page = Page(workspace)
    schedule = {"schedule_name": "every_minute", "location": LOCATION}
    sensor = {"sensor_name": "looks", "location": LOCATION}
    assert page.value("dagster_schedule_status", **schedule, status="stopped") == 1
    assert page.value("dagster_schedule_late_seconds", **schedule) == 0
    request = workspace.create_request_context()
    (repository,) = request.get_code_location(LOCATION).get_repositories().values()
    since = time.time() - 600
    begun = {
        "every_minute": ScheduleInstigatorData("* * * * *", since),
        "looks": SensorInstigatorData(min_interval=30, last_sensor_start_timestamp=since),
    }
    for each, kind in (
        *((each, InstigatorType.SCHEDULE) for each in repository.get_schedules()),
        *((each, InstigatorType.SENSOR) for each in repository.get_sensors()),
    ):
        origin, data = each.get_remote_origin(), begun[each.name]
        state = InstigatorState(origin, kind, InstigatorStatus.RUNNING, data)
        world.instance.add_instigator_state(state)
    assert page.value("dagster_schedule_status", **schedule, status="running") == 1

    next_minute = since - since % 60 + 60
    for metric, labels, due in (
        ("dagster_schedule_late_seconds", schedule, next_minute),
        ("dagster_sensor_late_seconds", sensor, since + 30),
    ):
        before = time.time()
        late = page.value(metric, **labels)
        assert before - due - 1 <= late <= time.time() - due + 1
    (each,) = repository.get_sensors()
    now = time.time() + 600  # so that none is due for a while
    world.instance.create_tick(
        TickData(
            instigator_origin_id=each.get_remote_origin_id(),
            instigator_name=each.name,
            instigator_type=InstigatorType.SENSOR,
            status=TickStatus.SKIPPED,
            timestamp=now,
            selector_id=each.selector_id,
        )
    )
    assert page.value("dagster_sensor_late_seconds", **sensor) == 0
    assert page.value("dagster_sensor_last_tick_status", **sensor, status="skipped") == 1
    said = page.value("dagster_sensor_last_tick_timestamp_seconds", **sensor)
    assert said == pytest.approx(now, abs=1)


def test_the_rest_of_the_instance(
    world: World,
    workspace: WorkspaceProcessContext,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    page = Page(workspace)
    found = page.read()
    names = {name for name, _ in found}
    assert page.value("dagster_daemon_healthy", daemon_type="SENSOR", required="true") == 0
    assert page.value("dagnix_postgres_connections", role="dagster") >= 1
    assert page.value("dagnix_postgres_max_connections") == 100
    assert page.value("dagnix_postgres_database_size_bytes") > 1e6
    assert page.value("dagnix_disk_free_bytes", disk="compute_logs") > 0
    world.instance.event_log_storage.set_concurrency_slots("oven", 2)
    pool = "dagster_op_pool_concurrency_limit"
    assert page.value(pool, pool="oven", using_default_limit="false") == 2
    assert page.value("dagster_op_pool_concurrency_pending_steps", pool="oven") == 0
    monkeypatch.setenv("DAGNIX_SOCKETS", str(tmp_path))
    deployed = {
        LOCATION: {"digest": "sha256:1", "revision": "abc", "timestamp": 1.5},
        "removed": {"digest": "sha256:2", "revision": "", "timestamp": 1},
    }
    (tmp_path / "deployed.json").write_text(json.dumps(deployed))
    labels = {"location": LOCATION, "digest": "sha256:1", "revision": "abc"}
    assert page.value("dagnix_deployed_info", **labels) == 1
    assert page.value("dagnix_deployed_timestamp_seconds", location=LOCATION) == 1.5
    assert page.value("dagnix_deployed_timestamp_seconds", location="removed") is None
    assert "dagster_exporter_scrape_errors_total" in names


def test_a_part_that_fails_is_told_and_leaves_the_others(
    workspace: WorkspaceProcessContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Page(workspace)
    monkeypatch.setenv("DAGNIX_SOCKETS", str(tmp_path))
    (tmp_path / "deployed.json").write_text("{")
    assert page.value("dagster_exporter_last_scrape_success", collector="deploys") == 0
    assert page.value("dagster_exporter_scrape_errors_total", collector="deploys") == 2
    assert page.value("dagster_exporter_last_scrape_success", collector="active_runs") == 1


def test_statuses_of_dagster_are_those_that_are_told() -> None:
    names = {status.value for status in DagsterRunStatus}
    assert {"QUEUED", "STARTING", "STARTED", "CANCELING", "SUCCESS", "FAILURE", "CANCELED"} <= names


@pytest.mark.parametrize(
    ("query", "values"),
    [
        (runs.ACTIVE_RUNS, {}),
        (runs.BACKLOG, {}),
        (runs.COMPLETED_RUNS, {"since": 0.0}),
        (runs.LAST_RUNS, {"jobs": ["works"], "locations": [LOCATION], "labels": ["r@l"]}),
        (automation.LAST_TICKS, {}),
    ],
    ids=["active", "backlog", "completed", "last", "ticks"],
)
def test_a_long_history_is_not_read(world: World, query: str, values: dict) -> None:
    with world.instance.run_storage.connect() as connection:  # type: ignore[attr-defined]
        # Small tables are read as a whole, unless that is made expensive.
        connection.exec_driver_sql("SET enable_seqscan = off")
        plan = "\n".join(row[0] for row in connection.execute(text(f"EXPLAIN {query}"), values))
        connection.exec_driver_sql("RESET enable_seqscan")
    assert "Index" in plan
    for table in ("runs", "run_tags", "job_ticks"):
        assert f"Seq Scan on {table}" not in plan, plan
