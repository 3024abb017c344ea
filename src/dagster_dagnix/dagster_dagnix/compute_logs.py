"""Compute logs in files: a folder for each code location, and no log beyond a limit."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any, Self
from uuid import UUID

from dagster import Field, StringSource
from dagster._config import UserConfigSchema
from dagster._core.execution.compute_logs import redirect_to_file
from dagster._core.storage.compute_log_manager import CapturedLogContext, ComputeIOType
from dagster._core.storage.local_compute_log_manager import (
    IO_TYPE_EXTENSION,
    LocalComputeLogManager,
)
from dagster._serdes import ConfigurableClassData

from dagster_dagnix import follow, private, size, streams, trees

LIMIT = "20m"
END_SECONDS = 30


class DagnixComputeLogManager(LocalComputeLogManager):
    """Stores stdout and stderr of each step in the folder of its code location, up to a limit.

    In dagster.yaml::

        compute_logs:
          module: dagster_dagnix
          class: DagnixComputeLogManager
          config:
            base_dir: /var/lib/dagster/compute_logs
            limit: 20m

    `base_dir` has a folder for each code location, under its name. The webserver sees all of them,
    a container of a code location its own alone. What is not there is looked for in `shared_dir`,
    where Dagster's own manager may have stored it for all locations together.

    `limit` is a size such as 512k or 1g, of stdout and of stderr of a step, or of a run whose
    executor is in process; 20m without it, 0 for none. What is printed beyond it is dropped, and
    the log says so at its end. No more than that is read of a log at once either.
    """

    def __init__(
        self,
        base_dir: str,
        shared_dir: str | None = None,
        polling_timeout: float | None = None,
        limit: str = LIMIT,
        inst_data: ConfigurableClassData | None = None,
    ) -> None:
        """Raise ValueError if the limit is no size."""
        super().__init__(base_dir, polling_timeout, inst_data)
        self.shared_dir = Path(shared_dir) if shared_dir else None
        self._shared = LocalComputeLogManager(shared_dir) if shared_dir else None
        try:
            self._limit = size.parse(limit)
        except ValueError as error:
            raise ValueError(f"compute_logs: limit in dagster.yaml: {error}") from error

    @classmethod
    def config_type(cls) -> UserConfigSchema:
        """Return the schema of the configuration."""
        shared_dir = Field(
            StringSource,
            is_required=False,
            description="The folder of logs from before each code location had its own.",
        )
        limit = Field(
            StringSource,
            is_required=False,
            default_value=LIMIT,
            description="How large a log may become, such as 512k or 1g; 0 is without limit.",
        )
        return {**super().config_type(), "shared_dir": shared_dir, "limit": limit}

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> Self:
        """Make the manager from its configuration."""
        return cls(inst_data=inst_data, **config_value)

    @contextmanager
    def capture_logs(self, log_key: Sequence[str]) -> Iterator[CapturedLogContext]:
        """Have stdout and stderr of this process written to files, and also to where they go."""
        with ExitStack() as stack:
            run_id = log_key[0] if _is_run(log_key[0]) else ""
            for number, stream, kind in (
                (1, sys.stdout, ComputeIOType.STDOUT),
                (2, sys.stderr, ComputeIOType.STDERR),
            ):
                path = self.get_captured_local_path(log_key, IO_TYPE_EXTENSION[kind])
                pipe = stack.enter_context(streams.captured(number, run_id))
                stack.enter_context(self._captured(stream, Path(path), pipe.file if pipe else None))
                if pipe:
                    pipe.close_file()  # the follower has it
            yield CapturedLogContext(log_key)
        Path(self.complete_artifact_path(log_key)).touch()

    @contextmanager
    def _captured(self, stream: IO[str], path: Path, labelled: int | None) -> Iterator[None]:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        follower = subprocess.Popen(
            [sys.executable, "-I", "-S", follow.__file__, path, str(self._limit), str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=labelled or (stream if _has_file(stream) else subprocess.DEVNULL),
            process_group=0,  # what interrupts the step shall not end it
        )
        try:
            with redirect_to_file(stream, str(path)):
                yield
        finally:
            try:
                follower.communicate(b"end", END_SECONDS)  # it copies what is left
            except subprocess.TimeoutExpired:
                follower.kill()
                follower.wait()

    def get_log_data_for_type(
        self,
        log_key: Sequence[str],
        io_type: ComputeIOType,
        offset: int | None = 0,
        max_bytes: int | None = None,
    ) -> tuple[bytes | None, int]:
        """Return a part of a log, and where the next one begins."""
        if self._limit:
            most = self._limit + follow.NOTICE_BYTES
            max_bytes = min(max_bytes or most, most)
        return super().get_log_data_for_type(log_key, io_type, offset, max_bytes)

    def delete_logs(
        self, log_key: Sequence[str] | None = None, prefix: Sequence[str] | None = None
    ) -> None:
        """Delete a log, or all whose key begins with `prefix`, of whichever code location.

        No link is followed. Raises ValueError for a prefix that leads out of the folder.
        """
        if log_key or not prefix:
            super().delete_logs(log_key, prefix)
            return
        for root in self.roots():
            trees.remove(root, *prefix)

    def roots(self) -> list[Path]:
        """Return the folders that are there and have one for each run: one of each location."""
        shared = [self.shared_dir] if self.shared_dir else []
        own = self._locations() or [Path(self._base_dir)]
        return [each for each in (*own, *shared) if each.is_dir()]

    def get_captured_local_path(
        self, log_key: Sequence[str], extension: str, partial: bool = False
    ) -> str:
        """Return the path of a log, which need not be there.

        Raises ValueError for a key, or a link, that leads out of the code location's folder.
        """
        paths = [
            LocalComputeLogManager(str(folder)).get_captured_local_path(log_key, extension, partial)
            for folder in self._folders(log_key)
        ]
        if self._shared:
            paths.append(self._shared.get_captured_local_path(log_key, extension, partial))
        return next((path for path in paths if Path(path).is_file()), paths[0])

    def _locations(self) -> list[Path]:
        folders = (each for each in Path(self._base_dir).glob("*") if each.is_dir())
        return sorted(each for each in folders if not _is_run(each.name))

    def _folders(self, log_key: Sequence[str]) -> list[Path]:
        """Return the folders that may have a log: that of its code location, if that is known."""
        base = Path(self._base_dir)
        folders = self._locations()
        if len(folders) <= 1:  # as in a container of a code location
            return folders or [base]
        location = self._location(log_key)
        return [base / location] if location else folders

    def _location(self, log_key: Sequence[str]) -> str:
        """Return the code location whose log this is; "" if it is that of none."""
        first, *others = log_key
        if not self.has_instance:
            return ""
        if _is_run(first):
            run = self._instance.get_run_by_id(first)
            return private.location_of_run(run) if run else ""
        if len(others) == 2 and others[1].isdecimal():  # repository, schedule or sensor, tick
            return private.location_of_tick(self._instance, int(others[1]))
        return ""


def _is_run(name: str) -> bool:
    try:
        UUID(name)
    except ValueError:
        return False
    return True


def _has_file(stream: IO[str]) -> bool:
    try:
        return stream.fileno() >= 0
    except (OSError, ValueError):
        return False
