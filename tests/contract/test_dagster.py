"""What the package relies on that Dagster promises to nobody: each fails by itself when it changes.

The other tests show what the package does with it. tests/clients/test_dagster_versions.py of the
repository runs these with the oldest and the newest Dagster.
"""

import importlib
import inspect
import logging
import re
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from click.testing import CliRunner
from dagster import DagsterEvent, DagsterEventType, FilesystemIOManager, build_output_context
from dagster._config import Field
from dagster._core.executor.step_delegating import StepDelegatingExecutor, StepHandler
from dagster._core.instance import DagsterInstance
from dagster._core.launcher.base import RunLauncher
from dagster._core.log_manager import (
    DagsterLogHandlerMetadata,
    construct_log_record_message,
    construct_log_record_metadata,
)
from dagster._core.storage.base_storage import DagsterStorage
from dagster._core.storage.event_log import EventLogStorage, SqlEventLogStorage
from dagster._core.storage.event_log.schema import (
    AssetCheckExecutionsTable,
    SqlEventLogStorageTable,
)
from dagster._core.storage.local_compute_log_manager import LocalComputeLogManager
from dagster._core.storage.runs import SqlRunStorage
from dagster._core.storage.schedules import SqlScheduleStorage
from dagster._core.storage.schedules.schema import JobTickTable
from dagster._daemon.auto_run_reexecution import auto_run_reexecution, event_log_consumer
from dagster._daemon.monitoring import run_monitoring
from dagster._daemon.run_coordinator import queued_run_coordinator_daemon
from dagster._grpc import client
from dagster._grpc import utils as grpc_utils
from dagster._grpc.types import ExecuteRunArgs, ExecuteStepArgs
from dagster._utils.log import define_default_formatter
from dagster_postgres import PostgresEventLogStorage, PostgresRunStorage, PostgresScheduleStorage

from dagster_dagnix import DagnixPostgresStorage, ForkedRunLauncher, leftovers, private
from dagster_dagnix.executor import ForkedStepHandler
from dagster_dagnix.server import retries

# Not from `support`: tests/clients runs this file with other versions of Dagster, and nothing else.
ROOT = Path(__file__).parents[2]


def parameters(function: object) -> list[str]:
    return list(inspect.signature(function).parameters)


def source(what: object) -> str:
    return inspect.getsource(what)


def test_no_class_of_ours_is_abstract() -> None:
    for ours in (ForkedRunLauncher, DagnixPostgresStorage, ForkedStepHandler):
        assert not inspect.isabstract(ours)


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [(RunLauncher, ForkedRunLauncher), (StepHandler, ForkedStepHandler)],
    ids=["launcher", "step handler"],
)
def test_what_we_override_is_there_with_these_parameters(theirs: type, ours: type) -> None:
    own = {name for name in vars(ours) if not name.startswith("_")} & set(dir(theirs))
    assert own
    for name in own - {"from_config_value", "inst_data", "config_type"}:
        expected = getattr(theirs, name)
        if not isinstance(expected, property):
            assert parameters(getattr(ours, name)) == parameters(expected)


def test_connections_of_each_storage_come_from_one_method() -> None:
    assert parameters(vars(PostgresEventLogStorage)["_connect"]) == ["self"]
    for name in ("run_connection", "index_connection"):
        assert "self._connect()" in source(getattr(PostgresEventLogStorage, name))
    for storage in (PostgresRunStorage, PostgresScheduleStorage):
        assert parameters(storage.connect) in (["self"], ["self", "run_id"])


def test_storages_take_an_address_and_whether_tables_are_made() -> None:
    for storage in (PostgresRunStorage, PostgresEventLogStorage, PostgresScheduleStorage):
        expected = ["self", "postgres_url", "should_autocreate_tables"]
        assert parameters(storage)[:2] == expected[1:]
        names = parameters(storage.optimize_for_webserver)
        assert names == ["self", "statement_timeout", "pool_recycle", "max_overflow"]


@pytest.mark.parametrize(
    ("storage", "name"),
    [
        (SqlRunStorage, "has_run_stats_index_cols"),
        (SqlRunStorage, "has_backfill_id_column"),
        (SqlRunStorage, "has_bulk_actions_selector_cols"),
        (SqlRunStorage, "has_bulk_action_job_name_column"),
        (SqlRunStorage, "has_backfill_tags_table"),
        (SqlScheduleStorage, "has_instigators_table"),
        (SqlScheduleStorage, "_has_instigators_table"),
        (SqlScheduleStorage, "has_built_index"),
        (SqlEventLogStorage, "has_asset_key_index_cols"),
        (SqlEventLogStorage, "has_table"),
    ],
)
def test_the_schema_is_looked_at_by(storage: type, name: str) -> None:
    assert len(parameters(getattr(storage, name))) in (1, 2)


def test_a_storage_may_change_runs_when_it_stores_events() -> None:
    assert isinstance(EventLogStorage.handles_run_events_in_store_event, property)
    handles = source(DagsterInstance.handle_new_event)
    if "handles_run_events_in_store_event" not in handles:  # it is in a mixin's
        methods = importlib.import_module("dagster._core.instance.methods.event_methods")
        handles = source(methods.EventMethods.handle_new_event)
    assert "not self._event_storage_impl.handles_run_events_in_store_event" in handles
    # What private.change_run does in its place.
    assert "self._run_storage_impl.handle_run_event(" in handles
    assert "WILL_RETRY_TAG" in handles
    assert parameters(SqlRunStorage.handle_run_event)[:3] == ["self", "run_id", "event"]


def test_an_instance_keeps_to_one_custom_storage() -> None:
    assert {"run_storage", "event_log_storage", "schedule_storage"} <= set(dir(DagsterStorage))


def test_hidden_commands_of_dagster() -> None:
    (command,) = entry_points(group="console_scripts", name="dagster")
    cli = inspect.getmodule(command.load()).cli
    for words, options in {
        ("api", "execute_run"): [],
        ("api", "execute_step"): [],
        ("api", "grpc"): ["--socket", "--lazy-load-user-code", "--location-name", "-d"],
    }.items():
        said = CliRunner().invoke(cli, [*words, "--help"])
        assert said.exit_code == 0, said.output
        assert all(option in said.output for option in options)


def test_what_those_commands_are_given() -> None:
    assert {"job_origin", "run_id", "instance_ref"} <= set(parameters(ExecuteRunArgs))
    assert {"run_id", "known_state", "instance_ref"} <= set(parameters(ExecuteStepArgs))


def test_run_monitoring_fails_a_run_for_another_status_than_running() -> None:
    assert "WorkerStatus.RUNNING, WorkerStatus.SUCCESS" in source(
        run_monitoring.monitor_started_run
    )


@pytest.mark.parametrize(
    ("variable", "limit"),
    [
        ("DAGSTER_SENSOR_GRPC_TIMEOUT_SECONDS", grpc_utils.default_sensor_grpc_timeout),
        ("DAGSTER_SCHEDULE_GRPC_TIMEOUT_SECONDS", grpc_utils.default_schedule_grpc_timeout),
        ("DAGSTER_REPOSITORY_GRPC_TIMEOUT_SECONDS", grpc_utils.default_repository_grpc_timeout),
        ("DAGSTER_GRPC_TIMEOUT_SECONDS", grpc_utils.default_grpc_timeout),
    ],
)
def test_how_long_a_code_server_may_take_is_in_the_environment(
    variable: str, limit: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """src/entrypoint/internal/dagster/timeouts.go sets it."""
    monkeypatch.setenv(variable, "7")
    assert limit() == 7
    # Ticks that are under way may end when code is replaced.
    if "REPOSITORY" not in variable:
        monkeypatch.setenv(variable, "700")
        assert grpc_utils.default_grpc_server_shutdown_grace_period() == 700


def test_those_limits_are_what_ticks_have() -> None:
    assert "DEFAULT_SENSOR_GRPC_TIMEOUT" in source(
        client.DagsterGrpcClient.external_sensor_execution
    )
    assert "DEFAULT_SCHEDULE_GRPC_TIMEOUT" in source(
        client.DagsterGrpcClient.external_schedule_execution
    )


def test_the_queue_takes_back_what_no_run_server_takes() -> None:
    text = source(queued_run_coordinator_daemon)
    assert "isinstance(\n                e, (DagsterUserCodeUnreachableError" in text


def test_the_daemon_gives_retries_up_in_these_words() -> None:
    text = source(auto_run_reexecution.consume_new_runs_for_automatic_reexecution)
    assert f'"{retries.GIVEN_UP}"' in text
    assert 'new_tags={WILL_RETRY_TAG: "false"}' in text
    assert parameters(auto_run_reexecution.retry_run) == ["failed_run", "workspace_context"]
    assert parameters(auto_run_reexecution.should_retry) == ["run", "instance"]
    made = event_log_consumer._create_cursor_key(DagsterEventType.RUN_FAILURE)  # noqa: SLF001 - as private.py
    assert made == "EVENT_LOG_CONSUMER_CURSOR-PIPELINE_FAILURE"


def test_lines_of_dagsters_loggers_are_as_the_entrypoint_knows_them() -> None:
    parser = (ROOT / "src/entrypoint/internal/logs/parser.go").read_text()

    def known(name: str) -> re.Pattern[str]:
        (found,) = re.findall(rf"\b{name} += regexp.MustCompile\(`(.*)`\)", parser)
        return re.compile(found)

    run_id = "0b4c1b4e-7d0b-4b6c-8f0e-3a2b1c0d9e8f"
    of_run = dict.fromkeys(DagsterLogHandlerMetadata.__annotations__)
    metadata = {**of_run, "run_id": run_id, "job_name": "nightly", "step_key": "load"}
    for event in (None, DagsterEvent("STEP_START", "nightly", step_key="load", pid=99)):
        meta = construct_log_record_metadata(metadata, "a - b", event, None)
        message = construct_log_record_message(meta)
        record = logging.LogRecord("dagster.x", logging.INFO, "", 0, message, (), None)
        line = known("dagster").match(define_default_formatter().format(record))
        assert line
        assert line.groups() == ("dagster.x", "INFO", message)
        own = known("ofRun").match(message)
        assert own
        assert own.groups()[:2] == ("nightly", run_id)
        told = known("event").match(own[3])
        assert (told.groups() if told else own[3]) == (
            ("load", "STEP_START", "a - b") if event else "load - a - b"
        )


def test_the_executors_configuration() -> None:
    assert isinstance(private.MULTI_PROC_CONFIG, Field)
    fields = private.MULTI_PROC_CONFIG.config_type.fields
    assert {"max_concurrent", "tag_concurrency_limits", "retries", "step_dependency_config"} <= set(
        fields
    )
    assert {
        "step_handler",
        "retries",
        "sleep_seconds",
        "check_step_health_interval_seconds",
        "max_concurrent",
        "tag_concurrency_limits",
        "should_verify_step",
        "step_dependency_config",
    } <= set(parameters(StepDelegatingExecutor))


def test_a_run_is_deleted_by_two_storages() -> None:
    text = source(DagsterInstance.delete_run)
    assert "self._run_storage.delete_run(run_id)" in text
    assert "self._event_storage.delete_events(run_id)" in text
    assert parameters(SqlRunStorage.delete_run) == ["self", "run_id"]


def test_where_logs_and_files_of_a_run_are() -> None:
    key = LocalComputeLogManager("/any").build_log_key_for_run("run", "step")
    assert list(key) == ["run", leftovers.COMPUTE_LOGS, "step"]
    output = build_output_context(run_id="run", step_key="step", name="result")
    assert output.get_identifier()[0] == "run"
    assert "storage_directory()" in source(inspect.getmodule(FilesystemIOManager))


def test_ticks_have_the_columns_that_are_asked_for() -> None:
    assert {"selector_id", "status", "timestamp"} <= set(JobTickTable.c.keys())
    assert parameters(SqlScheduleStorage.purge_ticks)[1:] == [
        "origin_id",
        "selector_id",
        "before",
        "tick_statuses",
    ]


def test_events_have_the_columns_and_indexes_that_are_asked_for() -> None:
    columns = {"run_id", "asset_key", "dagster_event_type", "partition", "id"}
    assert columns <= set(SqlEventLogStorageTable.c.keys())
    indexes = {each.name for each in SqlEventLogStorageTable.indexes}
    assert {"idx_events_by_asset", "idx_events_by_asset_partition"} <= indexes
    checks = {"run_id", "asset_key", "check_name", "partition", "id"}
    assert checks <= set(AssetCheckExecutionsTable.c.keys())


def test_kubernetes_launcher_has_what_ours_overrides_and_asks() -> None:
    k8s = pytest.importorskip("dagster_k8s")
    job = importlib.import_module("dagster_k8s.job")
    launcher = k8s.K8sRunLauncher
    assert parameters(launcher.get_container_context_for_run) == ["self", "dagster_run"]
    for method in (launcher._launch_k8s_job_with_args, launcher.check_run_worker_health):  # noqa: SLF001 - it is what is looked at
        assert "self.get_container_context_for_run(run)" in source(method)
    assert "self._api_client.get_job_status(" in source(launcher.check_run_worker_health)
    assert parameters(launcher.launch_run) == ["self", "context"]
    assert "run = context.dagster_run" in source(launcher.launch_run)
    launched = source(launcher._launch_k8s_job_with_args)  # noqa: SLF001 - the same
    assert "run.job_code_origin" in launched
    assert "repository_origin.container_image" in launched
    assert job.get_job_name_from_run_id("a-b") == "dagster-run-a-b"
