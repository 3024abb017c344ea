"""The stack with the code of a team in a folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dagster import DagsterRunStatus
from dagster_graphql import DagsterGraphQLClient

from support import team
from support.command import wait_until
from support.dashboard import Dashboard
from support.stack import Stack
from support.team import Team

_RELEASE = "from pathlib import Path; Path('/var/lib/dagster/release')"


@dataclass(frozen=True)
class Mounted:
    """A stack, the folder whose code it serves, and who works with it."""

    stack: Stack
    folder: Path
    team: Team
    client: DagsterGraphQLClient

    def save(self, answer: str, code: str = team.CODE, project: str = team.PROJECT) -> None:
        """Save the code."""
        team.write(self.folder, answer, code, project)

    def answer(self) -> str:
        """Return the answer of a short run that is launched now."""
        run = self.client.submit_job_execution("short")
        return self.team.answer("short", run)

    def wait_for_start(self, run: str) -> None:
        """Wait until a run is STARTED."""
        status = self.client.get_run_status
        wait_until(lambda: status(run) is DagsterRunStatus.STARTED, f"{run} has started")

    def hold(self) -> None:
        """Have the runs of the job `long` wait."""
        self.stack.exec("pipes", "python3.13", "-c", f"{_RELEASE}.unlink(missing_ok=True)")

    def release(self) -> None:
        """Have them go on."""
        self.stack.exec("pipes", "python3.13", "-c", f"{_RELEASE}.touch()")


@contextmanager
def mounted_in(stack: Stack, folder: Path) -> Iterator[Mounted]:
    """Serve the team's code from a folder; afterwards the stack serves its image's again."""
    team.write(folder, "first")
    stack.dagnix("up", "--mount", str(folder))
    dashboard = Dashboard(stack.port)
    dashboard.wait_for_job("short")
    client = DagsterGraphQLClient("127.0.0.1", port_number=stack.port)
    yield Mounted(stack, folder, Team(dashboard), client)
    stack.dagnix("up")
    dashboard.wait_for_job("example")
