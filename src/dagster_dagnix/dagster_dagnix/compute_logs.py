"""Compute logs in files, of a limited size, for `compute_logs` in dagster.yaml."""

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any, Self

from dagster import Field, StringSource
from dagster._config import UserConfigSchema
from dagster._core.execution.compute_logs import redirect_to_file
from dagster._core.storage.compute_log_manager import CapturedLogContext, ComputeIOType
from dagster._core.storage.local_compute_log_manager import (
    IO_TYPE_EXTENSION,
    LocalComputeLogManager,
)
from dagster._serdes import ConfigurableClassData

from dagster_dagnix import follow, size

LIMIT = "20m"
END_SECONDS = 30


class LimitedComputeLogManager(LocalComputeLogManager):
    """Dagster's LocalComputeLogManager, of which no log becomes larger than a limit.

    In dagster.yaml::

        compute_logs:
          module: dagster_dagnix
          class: LimitedComputeLogManager
          config:
            base_dir: /var/lib/dagster/compute_logs
            limit: 20m

    `limit` is a size such as 512k or 1g, of stdout and of stderr of a step, or of a run whose
    executor is in process; 20m without it, 0 for none. What is printed beyond it is dropped, and
    the log says so at its end. No more than that is read of a log at once either.
    """

    def __init__(
        self,
        base_dir: str,
        polling_timeout: float | None = None,
        limit: str = LIMIT,
        inst_data: ConfigurableClassData | None = None,
    ) -> None:
        """Raise ValueError if the limit is no size."""
        super().__init__(base_dir, polling_timeout, inst_data)
        try:
            self._limit = size.parse(limit)
        except ValueError as error:
            raise ValueError(f"compute_logs: limit in dagster.yaml: {error}") from error

    @classmethod
    def config_type(cls) -> UserConfigSchema:
        """Return the schema of the configuration."""
        limit = Field(
            StringSource,
            is_required=False,
            default_value=LIMIT,
            description="How large a log may become, such as 512k or 1g; 0 is without limit.",
        )
        return {**super().config_type(), "limit": limit}

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
            for stream, kind in (
                (sys.stdout, ComputeIOType.STDOUT),
                (sys.stderr, ComputeIOType.STDERR),
            ):
                path = self.get_captured_local_path(log_key, IO_TYPE_EXTENSION[kind])
                stack.enter_context(self._captured(stream, Path(path)))
            yield CapturedLogContext(log_key)
        Path(self.complete_artifact_path(log_key)).touch()

    @contextmanager
    def _captured(self, stream: IO[str], path: Path) -> Iterator[None]:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        follower = subprocess.Popen(
            [sys.executable, "-I", "-S", follow.__file__, path, str(self._limit)],
            stdin=subprocess.PIPE,
            stdout=stream if _has_file(stream) else subprocess.DEVNULL,
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


def _has_file(stream: IO[str]) -> bool:
    try:
        return stream.fileno() >= 0
    except (OSError, ValueError):
        return False
