"""A run launcher that has the run server in a code location's container start each run."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from dagster import DagsterRun, Field, IntSource, StringSource
from dagster._config import UserConfigSchema
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.launcher.base import (
    CheckRunHealthResult,
    LaunchRunContext,
    RunLauncher,
    WorkerStatus,
)
from dagster._serdes import ConfigurableClass, ConfigurableClassData
from dagster._utils import get_run_crash_explanation

from dagster_dagnix import size
from dagster_dagnix.protocol import MEMORY_TAG, RUN_LINK, RUN_SERVER_TAG, ask, folder_of

GONE_SECONDS = 20
REMOVE_SECONDS = 1.0  # a person may wait for a run to be deleted
PRUNE_SECONDS = 1800.0


class ForkedRunLauncher(RunLauncher, ConfigurableClass):
    """Launches each run as a process that the run server of its code location forks.

    In dagster.yaml::

        run_launcher:
          module: dagster_dagnix
          class: ForkedRunLauncher
          config:
            sockets: /run/dagnix

    `sockets` is a folder. In it each code location has a folder of its name, with its sockets. It
    must be the same in the daemon, the webserver and the code locations. While a run server is away
    the run goes back into the queue, if `max_user_code_failure_retries` of `run_queue` allows that.
    """

    def __init__(
        self,
        sockets: str,
        gone_seconds: int = GONE_SECONDS,
        inst_data: ConfigurableClassData | None = None,
    ) -> None:
        self._inst_data = inst_data
        self._sockets = sockets
        self._gone_seconds = gone_seconds
        self._missing: dict[Path, float] = {}  # since when, of time.monotonic()
        super().__init__()

    @property
    def inst_data(self) -> ConfigurableClassData | None:
        """What dagster.yaml says."""
        return self._inst_data

    @classmethod
    def config_type(cls) -> UserConfigSchema:
        """Return the schema of the configuration."""
        return {
            "sockets": Field(
                StringSource, description="The folder with the sockets of all code locations."
            ),
            "gone_seconds": Field(
                IntSource,
                is_required=False,
                default_value=GONE_SECONDS,
                description="A run whose run server's socket is missing for so long has failed.",
            ),
        }

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> Self:
        """Make the launcher from its configuration."""
        return cls(inst_data=inst_data, **config_value)

    def launch_run(self, context: LaunchRunContext) -> None:
        """Ask the current run server to start this run.

        Raises DagsterUserCodeUnreachableError when no run server is there, or it takes no new runs;
        the run then goes back into the queue. Raises ValueError when its tag `dagnix/memory` is no
        size; the run then fails.
        """
        run = context.dagster_run
        memory = _memory(run)
        folder = self._folder(run)
        try:
            name = (folder / RUN_LINK).readlink().name
            self._instance.add_run_tags(run.run_id, {RUN_SERVER_TAG: name})
            answer = ask(folder / name, "start", run_id=run.run_id, **memory)
        except OSError as error:
            raise DagsterUserCodeUnreachableError(
                f"No run server of the code location {folder.name} takes runs at "
                f"{folder / RUN_LINK}: {error.strerror or error}. Is its container up?"
            ) from error
        if "away" in answer:
            raise DagsterUserCodeUnreachableError(answer["away"])
        if "error" in answer:
            raise RuntimeError(answer["error"])
        self._instance.report_engine_event(
            f"The run server {name} has started process {answer['pid']} for this run.",
            run,
            cls=type(self),
        )

    def terminate(self, run_id: str) -> bool:
        """Have a run end, and tell whether its process was told to.

        One that has not ended in time is killed by its run server.
        """
        run = self._instance.get_run_by_id(run_id)
        if run is None or run.is_finished:
            return False
        self._instance.report_run_canceling(run)
        try:
            answer = self._ask(run, "end")
        except ConnectionRefusedError:
            self._instance.report_run_canceled(run, "The run ended with its run server before.")
            return True
        except OSError as error:
            self._instance.report_engine_event(
                f"The run's run server cannot be asked to end it: {error}", run, cls=type(self)
            )
            return False
        return bool(answer.get("ended"))

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Whether run monitoring can ask after runs."""
        return True

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """Tell whether a run's process lives.

        Run monitoring fails a run for any other status than RUNNING, so RUNNING is also the answer
        while that is not known.
        """
        if RUN_SERVER_TAG not in run.tags:
            return CheckRunHealthResult(
                WorkerStatus.NOT_FOUND, "The run was given to no run server."
            )
        socket = self._socket(run)
        try:
            answer = self._ask(run, "check")
        except OSError as error:
            return self._unreachable(socket, error)
        self._missing.pop(socket, None)
        if not answer.get("known"):
            message = f"The run server {socket.name} knows no process of the run."
            return CheckRunHealthResult(WorkerStatus.NOT_FOUND, message)
        if answer["code"] is None:
            return CheckRunHealthResult(WorkerStatus.RUNNING, run_worker_id=str(answer["pid"]))
        # Also for exit code 0: run monitoring looks once more whether the run has finished.
        explained = get_run_crash_explanation(f"The run's process {answer['pid']}", answer["code"])
        return CheckRunHealthResult(WorkerStatus.FAILED, explained)

    def _unreachable(self, socket: Path, error: OSError) -> CheckRunHealthResult:
        """Tell whether the run server is gone for good."""
        is_gone = isinstance(error, ConnectionRefusedError)
        if isinstance(error, FileNotFoundError):  # it makes its socket again, if it lives
            since = self._missing.setdefault(socket, time.monotonic())
            is_gone = time.monotonic() - since >= self._gone_seconds
        if not is_gone:
            return CheckRunHealthResult(WorkerStatus.RUNNING, f"{socket} does not answer: {error}")
        self._missing.pop(socket, None)
        return CheckRunHealthResult(
            WorkerStatus.FAILED,
            f"The run server {socket.name}, which executed this run, was killed, or its host went "
            "down.",
        )

    def is_executed(self, run: DagsterRun) -> bool:
        """Tell whether a run server has, or had, a process of this run.

        Raises OSError when its run server is there and does not answer.
        """
        try:
            return bool(self._ask(run, "check").get("known"))
        except (ConnectionRefusedError, FileNotFoundError):
            return False

    def locations(self) -> list[str]:
        """Return the names of the code locations that have, or had, a run server."""
        return sorted(each.parent.name for each in Path(self._sockets).glob(f"*/{RUN_LINK}"))

    def remove_files(self, location: str, run_id: str) -> None:
        """Have a location's run server remove what steps of a deleted run handed to each other.

        It does so soon after it has answered. Raises OSError when it is away, and ValueError for a
        location that can have no folder.
        """
        path = folder_of(self._sockets, location) / RUN_LINK
        ask(path, "remove_files", REMOVE_SECONDS, run_ids=[run_id])

    def prune_files(
        self, location: str, run_ids: Sequence[str], *, is_dry: bool, by_age: bool
    ) -> int:
        """Have a location's run server remove files of steps, and return how many bytes they took.

        They are those of these runs, which have been deleted, and with `by_age` those that are past
        their time. With `is_dry` none is removed. Raises OSError when the run server is away or
        cannot do it, and ValueError for a location that can have no folder.
        """
        path = folder_of(self._sockets, location) / RUN_LINK
        details = {"run_ids": list(run_ids), "is_dry": is_dry, "by_age": by_age}
        answer = ask(path, "prune_files", PRUNE_SECONDS, **details)
        if "files" not in answer:
            raise OSError(answer.get("error", f"the run server at {path} does not say how much"))
        return int(answer["files"])

    def _folder(self, run: DagsterRun) -> Path:
        if run.remote_job_origin is None:
            raise ValueError(
                f"The run {run.run_id} has no code location, so nobody can execute it."
            )
        return folder_of(self._sockets, run.remote_job_origin.location_name)

    def _socket(self, run: DagsterRun) -> Path:
        return self._folder(run) / Path(run.tags[RUN_SERVER_TAG]).name

    def _ask(self, run: DagsterRun, do: str) -> dict[str, Any]:
        if RUN_SERVER_TAG not in run.tags:
            return {}
        return ask(self._socket(run), do, run_id=run.run_id)


def _memory(run: DagsterRun) -> dict[str, int]:
    """Return how many bytes the run may take, if its tag says so."""
    if MEMORY_TAG not in run.tags:
        return {}
    try:
        return {"memory": size.parse(run.tags[MEMORY_TAG])}
    except ValueError as error:
        raise ValueError(f"The tag {MEMORY_TAG} of the run cannot be heeded: {error}") from error
