"""PostgreSQL storage that keeps its connections, for `storage: custom:` in dagster.yaml.

It is dagster_postgres in all that it stores. In one process, runs, events and schedules share an
engine, whose connections are tried before use; what was seen of the schema is remembered; tables
are made by one process at a time.
"""

import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import cache
from typing import Any, Self

from dagster._config import UserConfigSchema
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.base_storage import DagsterStorage
from dagster._core.storage.config import pg_config
from dagster._core.storage.event_log import EventLogStorage
from dagster._core.storage.runs import RunStorage
from dagster._core.storage.schedules import ScheduleStorage
from dagster._serdes import ConfigurableClass, ConfigurableClassData
from dagster_postgres import PostgresEventLogStorage, PostgresRunStorage, PostgresScheduleStorage
from dagster_postgres.utils import (
    create_pg_connection,
    get_conn_string,
    pg_url_from_config,
    set_pg_statement_timeout,
)
from sqlalchemy import event, text
from sqlalchemy.engine import Connection, Engine

from dagster_dagnix import leftovers, private, rights, streams
from dagster_dagnix.retention import Retention, retention_config

LOCK = 0x6461676E6978  # any number that nothing else in the database takes
KEPT_SECONDS = 3600
# Dagster's storages open as many connections as they need at once; PostgreSQL has the limit.
NO_LIMIT = -1
TABLES_ARE_THERE = text(
    "SELECT bool_and(to_regclass(name) IS NOT NULL) "
    "FROM unnest(ARRAY['runs', 'instance_info', 'event_logs', 'jobs', 'job_ticks']) AS name"
)


def engine(url: str, statement_timeout: int = 0, token_provider: Any = None) -> Engine:
    """Return this process's engine for a database.

    A fork of the process, such as a pool of processes in an op, gets another one: two processes
    cannot share a connection. `statement_timeout` is in milliseconds; 0 is none.
    """
    return _engine(os.getpid(), url, statement_timeout, token_provider)


@cache
def _engine(_pid: int, url: str, statement_timeout: int, token_provider: Any) -> Engine:
    made = private.create_engine(
        url,
        token_provider,
        isolation_level="AUTOCOMMIT",
        pool_size=1,
        max_overflow=NO_LIMIT,
        pool_recycle=KEPT_SECONDS,
        pool_pre_ping=True,
    )
    if statement_timeout:

        def limit(connection: Any, _record: object) -> None:
            set_pg_statement_timeout(connection, statement_timeout)

        event.listen(made, "connect", limit)
    return made


class KeptConnections:
    """What the three storages have in common: the process's engine, and a memory of the schema."""

    postgres_url: str
    _token_provider: Any
    _statement_timeout = 0

    def connect(self, run_id: str | None = None) -> AbstractContextManager[Connection]:
        """Return a connection out of the process's pool. Tries again while PostgreSQL is away."""
        del run_id  # all runs are in one database
        provider = vars(self).get("_token_provider")
        return create_pg_connection(engine(self.postgres_url, self._statement_timeout, provider))

    def optimize_for_webserver(
        self, statement_timeout: int, pool_recycle: int, max_overflow: int
    ) -> None:
        """Take over the webserver's limit of a query in milliseconds; the rest is so anyway."""
        del pool_recycle, max_overflow
        self._statement_timeout = statement_timeout

    def seen(self, what: str, look: Callable[[], bool]) -> bool:
        """Tell whether something is in the schema, from memory once it was.

        That it is not is not remembered: a migration may add it, and none removes it.
        """
        known: set[str] = vars(self).setdefault("_seen", set())
        if what not in known and look():
            known.add(what)
        return what in known


class DagnixRunStorage(KeptConnections, PostgresRunStorage):
    """Runs in PostgreSQL; one that is deleted takes its compute logs and its files along."""

    retention = Retention()

    def delete_run(self, run_id: str) -> None:
        """Delete a run, with what its steps have printed and handed to each other."""
        run = self._instance.get_run_by_id(run_id) if self.has_instance else None
        super().delete_run(run_id)
        # The role of a code location deletes no run of another one, without an error.
        if run and not self.has_run(run_id):
            leftovers.remove(self._instance, run)

    def delete_row(self, run_id: str) -> None:
        """Delete a run without what its steps have left, which the caller sees to."""
        super().delete_run(run_id)

    def has_run_stats_index_cols(self) -> bool:
        """Tell whether the table has the columns for when a run began and ended."""
        return self.seen("run stats", super().has_run_stats_index_cols)

    def has_bulk_actions_selector_cols(self) -> bool:
        """Tell whether backfills are found by what they select."""
        return self.seen("selector", super().has_bulk_actions_selector_cols)

    def has_backfill_id_column(self) -> bool:
        """Tell whether runs are found by their backfill."""
        return self.seen("backfill ID", super().has_backfill_id_column)

    def has_bulk_action_job_name_column(self) -> bool:
        """Tell whether backfills are found by their job."""
        return self.seen("job name", super().has_bulk_action_job_name_column)

    def has_backfill_tags_table(self) -> bool:
        """Tell whether there is a table for the tags of backfills."""
        return self.seen("backfill tags", super().has_backfill_tags_table)


class DagnixScheduleStorage(KeptConnections, private.ScheduleSchema, PostgresScheduleStorage):
    """Schedules, sensors and their ticks in PostgreSQL."""

    def has_instigators_table(self) -> bool:
        """Tell whether schedules and sensors have a table of their own."""
        return self.seen("instigators", super().has_instigators_table)

    def has_built_index(self, migration_name: str) -> bool:
        """Tell whether a migration's data is complete."""
        return self.seen(f"index {migration_name}", lambda: self._has_built_index(migration_name))

    def _has_built_index(self, migration_name: str) -> bool:
        return super().has_built_index(migration_name)


class DagnixEventLogStorage(KeptConnections, private.EventLogSchema, PostgresEventLogStorage):
    """Events in PostgreSQL; one that changes a run is there after the run has changed.

    Dagster itself stores the event first. Who reads it in between, such as the daemon that makes
    retries, finds a run that has not failed, and does not look again.
    """

    def has_asset_key_index_cols(self) -> bool:
        """Tell whether assets are found by when they were materialized."""
        return self.seen("asset key columns", super().has_asset_key_index_cols)

    def has_table(self, table_name: str) -> bool:
        """Tell whether there is a table."""
        return self.seen(f"table {table_name}", lambda: self._has_table(table_name))

    def _has_table(self, table_name: str) -> bool:
        return super().has_table(table_name)

    @property
    def handles_run_events_in_store_event(self) -> bool:
        """Whether this changes runs as well, so that the instance does not."""
        return self.has_instance

    def store_event(self, event: EventLogEntry) -> None:
        """Store an event, and first what it changes of its run."""
        if self.has_instance:
            private.change_run(self._instance, event)
        super().store_event(event)
        if steps := private.captured_steps(event):
            streams.name_steps(steps)


class DagnixPostgresStorage(DagsterStorage, ConfigurableClass):
    """Storage of an instance in PostgreSQL, over connections that are kept.

    In dagster.yaml::

        storage:
          custom:
            module: dagster_dagnix
            class: DagnixPostgresStorage
            config:
              postgres_db:
                hostname: {env: DAGSTER_PG_HOST}
                db_name: dagster
                username: dagster
                password: {env: DAGSTER_PG_PASSWORD}

    The configuration is that of `DagsterPostgresStorage`, and `retention`, whose settings are those
    of `dagster_dagnix.retention.Retention`. A `hostname` that begins with a slash is the folder of
    PostgreSQL's Unix socket. A database of `dagster_postgres` can be used at once.
    """

    def __init__(
        self,
        postgres_url: str,
        should_autocreate_tables: bool = True,
        inst_data: ConfigurableClassData | None = None,
        token_provider: Any = None,
        retention: Retention | None = None,
    ) -> None:
        self._inst_data = inst_data
        self.postgres_url = postgres_url
        more = {"token_provider": token_provider} if token_provider else {}
        if should_autocreate_tables:
            make_tables(postgres_url, more)
        # Each makes an engine of its own as well, which opens nothing until it is used.
        self._run_storage = DagnixRunStorage(postgres_url, False, **more)
        self._run_storage.retention = retention or Retention()
        self._event_log_storage = DagnixEventLogStorage(postgres_url, False, **more)
        self._schedule_storage = DagnixScheduleStorage(postgres_url, False, **more)
        super().__init__()

    @property
    def inst_data(self) -> ConfigurableClassData | None:
        """What dagster.yaml says."""
        return self._inst_data

    @classmethod
    def config_type(cls) -> UserConfigSchema:
        """Return the schema of the configuration."""
        return {**pg_config(), "retention": retention_config()}

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> Self:
        """Make the storage from its configuration."""
        return cls(
            url(config_value),
            config_value.get("should_autocreate_tables", True),
            inst_data,
            private.token_provider(config_value),
            Retention.of(config_value.get("retention", {})),
        )

    @property
    def run_storage(self) -> RunStorage:
        """Runs."""
        return self._run_storage

    @property
    def event_log_storage(self) -> EventLogStorage:
        """Events."""
        return self._event_log_storage

    @property
    def schedule_storage(self) -> ScheduleStorage:
        """Schedules and sensors."""
        return self._schedule_storage


def url(config: Mapping[str, Any]) -> str:
    """Return the address of the database; one in a folder is reached over a Unix socket."""
    fields = config.get("postgres_db")
    if not fields or not fields["hostname"].startswith("/"):
        return pg_url_from_config(config)
    params = {**fields.get("params", {}), "host": fields["hostname"]}
    return get_conn_string(**{**fields, "hostname": "", "params": params})


def make_tables(url: str, more: Mapping[str, Any]) -> None:
    """Have Dagster make its tables if they are not there, one process at a time.

    Who may not make them, such as the role of a code location, waits until somebody has.
    """
    with create_pg_connection(engine(url, 0, more.get("token_provider"))) as connection:
        if not rights.may_make_tables(connection):
            rights.wait(connection)
            return
        if connection.execute(TABLES_ARE_THERE).scalar() and rights.are_given(connection):
            return
        connection.execute(text(f"SELECT pg_advisory_lock({LOCK})"))
        try:
            for storage in (PostgresRunStorage, PostgresEventLogStorage, PostgresScheduleStorage):
                storage(url, should_autocreate_tables=True, **more)
            if not rights.are_given(connection):
                rights.give(connection)
        finally:
            connection.execute(text(f"SELECT pg_advisory_unlock({LOCK})"))
