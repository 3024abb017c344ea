"""An instance with runs of any age, for tests of what is pruned."""

import datetime as dt
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dagster import (
    AssetMaterialization,
    AssetObservation,
    DagsterEvent,
    DagsterRun,
    DagsterRunStatus,
)
from dagster._core.events import AssetObservationData, StepMaterializationData
from dagster._core.remote_origin import GrpcServerCodeLocationOrigin, RemoteRepositoryOrigin
from dagster._core.storage.tags import (
    PARENT_RUN_ID_TAG,
    ROOT_RUN_ID_TAG,
)
from dagster._core.test_utils import create_run_for_test
from harness import World, fields
from sqlalchemy import text

from dagster_dagnix.prune import once, queries
from dagster_dagnix.prune.once import Order, prune
from dagster_dagnix.retention import Retention
from dagster_dagnix.storage import engine, url

NOW = dt.datetime.now(dt.UTC)
SUCCESS, FAILURE = DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE
EVER = {"compute_log_days": 0, "step_file_days": 0}
IN_FLIGHT = (
    DagsterRunStatus.NOT_STARTED,
    DagsterRunStatus.QUEUED,
    DagsterRunStatus.STARTING,
    DagsterRunStatus.STARTED,
    DagsterRunStatus.CANCELING,
)


class Kept:
    """An instance of its own, and runs of any age in it."""

    def __init__(self, world: World) -> None:
        self.world, self.instance = world, world.instance
        self.base = world.home / "storage"
        self.logs = world.home / "compute_logs/ours"

    def empty(self) -> None:
        """Delete all that it has."""
        with queries.connection(self.instance) as database:
            find = "SELECT string_agg(tablename, ', ') FROM pg_tables WHERE schemaname = 'public'"
            tables = database.execute(text(find)).scalar()
            database.execute(text(f"TRUNCATE {tables} CASCADE"))
        for folder in (self.base, self.logs):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)

    def keeping(self, **retention: int) -> "Kept":
        """Make these settings its retention; logs and files go with their runs."""
        self.instance.run_storage.retention = Retention.of({**EVER, **retention})
        return self

    def sql(self, statement: str, **values: Any) -> None:
        with queries.connection(self.instance) as database:
            database.execute(text(statement), values)

    def run(
        self,
        days: float = 100,
        *events: object,
        job: str = "job",
        location: str = "ours",
        status: DagsterRunStatus = SUCCESS,
        **tags: str,
    ) -> str:
        """Make a run that ended so many days ago, with what steps leave of it."""
        named = {name.replace("__", "/"): value for name, value in tags.items()}
        repository = RemoteRepositoryOrigin(
            GrpcServerCodeLocationOrigin(
                host="localhost", socket="code.sock", location_name=location
            ),
            "__repository__",
        )
        run = create_run_for_test(
            self.instance,
            job_name=job,
            tags=named,
            status=status,
            remote_job_origin=repository.get_job_origin(job),
        )
        for each in events:
            self.report(run, each)
        self.instance.report_engine_event("hello", run)
        for folder, name in ((self.base, "step/result"), (self.logs, "compute_logs/a.out")):
            path = folder / run.run_id / name
            path.parent.mkdir(parents=True)
            path.write_text("something")
        self.age(run.run_id, days)
        return run.run_id

    def age(self, run_id: str, days: float) -> None:
        then = (NOW - dt.timedelta(days=days)).replace(tzinfo=None)
        self.sql(
            "UPDATE runs SET update_timestamp = :then WHERE run_id = :id", then=then, id=run_id
        )

    def report(self, run: DagsterRun, what: object) -> None:
        match what:
            case AssetMaterialization():
                kind, data = "ASSET_MATERIALIZATION", StepMaterializationData(what)
            case AssetObservation():
                kind, data = "ASSET_OBSERVATION", AssetObservationData(what)
            case _:
                kind, data = "ASSET_CHECK_EVALUATION", what
        event = DagsterEvent(kind, run.job_name, event_specific_data=data)
        self.instance.report_dagster_event(event, run.run_id)

    def again(self, root: str, days: float, status: DagsterRunStatus) -> str:
        """Execute a run again, as from its failure."""
        tags = {PARENT_RUN_ID_TAG: root, ROOT_RUN_ID_TAG: root}
        return self.run(days, status=status, **tags)

    def prune(self, **order: Any) -> once.Report:
        return prune(self.instance, Order(**order), NOW)

    def left(self, *runs: str) -> list[bool]:
        """Tell of each run whether it is there, and see that all that belongs to it is as well."""
        found = []
        for run_id in runs:
            is_there = self.instance.has_run(run_id)
            assert bool(self.instance.all_logs(run_id)) == is_there
            assert self.file(run_id).exists() == is_there
            assert self.log(run_id).exists() == is_there
            found.append(is_there)
        return found

    def file(self, run_id: str) -> Path:
        return self.base / run_id / "step"

    def log(self, run_id: str) -> Path:
        return self.logs / run_id / "compute_logs/a.out"


@contextmanager
def instance_of_its_own(database: Path) -> Iterator[Kept]:
    """Make an instance, with a database of its own."""
    folder = Path(tempfile.mkdtemp(prefix="dagnix-"))
    with engine(url({"postgres_db": fields(database, "dagster")})).connect() as connection:
        connection.execute(text(f"CREATE DATABASE prune_{os.getpid()}"))
    config = {"postgres_db": fields(database, f"prune_{os.getpid()}"), "retention": EVER}
    storage = {"module": "dagster_dagnix", "class": "DagnixPostgresStorage", "config": config}
    logs = {
        "module": "dagster_dagnix",
        "class": "DagnixComputeLogManager",
        "config": {"base_dir": str(folder / "home/compute_logs")},
    }
    world = World(folder, database, {"storage": {"custom": storage}, "compute_logs": logs})
    try:
        yield Kept(world)
    finally:
        world.instance.dispose()
        shutil.rmtree(folder)
