"""What the workspace has: code locations, jobs, schedules and sensors."""

from collections.abc import Iterator
from functools import cached_property

from dagster._core.remote_representation.external import (
    RemoteRepository,
    RemoteSchedule,
    RemoteSensor,
)
from dagster._core.workspace.context import WorkspaceProcessContext

UNKNOWN = "__unknown__"  # the location of a run that has none


class Roster:
    """The workspace at one moment, as the webserver has loaded it."""

    def __init__(self, context: WorkspaceProcessContext) -> None:
        """Read `context`, whose code servers are not asked."""
        self.instance = context.instance
        self._entries = context.create_request_context().get_code_location_entries()

    @property
    def load_errors(self) -> dict[str, bool]:
        """Name of a code location → whether it does not load."""
        return {name: entry.load_error is not None for name, entry in self._entries.items()}

    @cached_property
    def repositories(self) -> list[tuple[str, RemoteRepository]]:
        """The repositories of the locations that load, each with its location's name."""
        return [
            (name, repository)
            for name, entry in self._entries.items()
            if entry.code_location
            for repository in entry.code_location.get_repositories().values()
        ]

    @cached_property
    def jobs(self) -> dict[tuple[str, str], str]:
        """Job and location → the value of the tag that runs of their repository have."""
        return {
            (job.name, location): f"{repository.name}@{location}"
            for location, repository in self.repositories
            for job in repository.get_all_jobs()
        }

    def schedules(self) -> Iterator[tuple[str, RemoteSchedule]]:
        """Yield the schedules, each with its location's name."""
        for location, repository in self.repositories:
            for schedule in repository.get_schedules():
                yield location, schedule

    def sensors(self) -> Iterator[tuple[str, RemoteSensor]]:
        """Yield the sensors, each with its location's name."""
        for location, repository in self.repositories:
            for sensor in repository.get_sensors():
                yield location, sensor
