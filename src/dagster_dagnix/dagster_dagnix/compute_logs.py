"""A compute log manager with a folder for each code location, so that none reads another's logs."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self
from uuid import UUID

from dagster import Field, StringSource
from dagster._config import UserConfigSchema
from dagster._core.storage.local_compute_log_manager import LocalComputeLogManager
from dagster._serdes import ConfigurableClassData

from dagster_dagnix import private


class DagnixComputeLogManager(LocalComputeLogManager):
    """Stores stdout and stderr of each step in the folder of its code location.

    In dagster.yaml::

        compute_logs:
          module: dagster_dagnix
          class: DagnixComputeLogManager
          config:
            base_dir: /var/lib/dagster/compute_logs

    `base_dir` has a folder for each code location, under its name. The webserver sees all of them,
    a container of a code location its own alone. What is not there is looked for in `shared_dir`,
    where Dagster's own manager may have stored it for all locations together.
    """

    def __init__(
        self,
        base_dir: str,
        shared_dir: str | None = None,
        polling_timeout: float | None = None,
        inst_data: ConfigurableClassData | None = None,
    ) -> None:
        super().__init__(base_dir, polling_timeout, inst_data)
        self.shared_dir = Path(shared_dir) if shared_dir else None
        self._shared = LocalComputeLogManager(shared_dir) if shared_dir else None

    @classmethod
    def config_type(cls) -> UserConfigSchema:
        """Return the schema of the configuration."""
        more = Field(
            StringSource,
            is_required=False,
            description="The folder of logs from before each code location had its own.",
        )
        return {**super().config_type(), "shared_dir": more}

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> Self:
        """Make the manager from its configuration."""
        return cls(inst_data=inst_data, **config_value)

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

    def _folders(self, log_key: Sequence[str]) -> list[Path]:
        """Return the folders that may have a log: that of its code location, if that is known."""
        base = Path(self._base_dir)
        folders = sorted(each for each in base.glob("*") if each.is_dir())
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
