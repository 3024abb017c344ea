"""The stack with the code of a team, which changes it while it runs."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dagster import DagsterRunStatus
from dagster_graphql import DagsterGraphQLClient

from support import checkout, team
from support.command import wait_until
from support.dashboard import Dashboard
from support.podman import Podman
from support.stack import Stack
from support.team import Team


@dataclass(frozen=True)
class Served:
    """A stack, the folder with the code, and who works with it."""

    stack: Stack
    folder: Path
    team: Team
    client: DagsterGraphQLClient
    restore_code: Callable[[], None] = lambda: None

    def save(self, answer: str, code: str = team.CODE, project: str = team.PROJECT) -> None:
        """Save the code."""
        team.write(self.folder, answer, code, project)

    def code(self) -> str:
        """Say whether the code that is saved is what the dashboard serves."""
        served, saved = self.team.served(), team.saved(self.folder)
        return "as saved" if served == saved else f"{served!r} is served and {saved!r} saved"

    def restore(self) -> None:
        """Have code served that loads, as it is saved, with its automations off."""
        self.restore_code()
        self.team.reset_automations()
        self.hold()

    def answer(self) -> str:
        """Return the answer of a short run that is launched now."""
        run = self.client.submit_job_execution("short")
        return self.team.answer("short", run)

    def wait_for_start(self, run: str) -> None:
        """Wait until a run is STARTED."""
        status = self.team.dashboard.status
        wait_until(lambda: status(run) is DagsterRunStatus.STARTED, f"{run} has started")

    def kill(self, name: str) -> None:
        """Kill the newest process of this name in the container of pipes; only root can."""
        processes = wait_until(lambda: self.stack.processes("pipes", name), f"there is a {name}")
        process = max(processes)
        self.stack.exec("pipes", "python3.13", "-c", f"import os; os.kill({process}, 9)")

    @property
    def _release(self) -> Path:
        """What the job `long` waits for: `RELEASE` in its code."""
        return self.stack.sockets / "pipes" / "release"

    def hold(self) -> None:
        """Have the runs of the job `long` wait."""
        self._release.unlink(missing_ok=True)

    def release(self) -> None:
        """Have them go on."""
        self._release.touch()


@contextmanager
def mounted_in(podman: Podman, folder: Path) -> Iterator[Served]:
    """Serve the team's code from a folder, on a stack of its own."""
    team.write(folder, "first")
    stack = Stack.new(podman, folder.with_name(f"{folder.name}-stack"))
    stack.secrets.parent.mkdir()

    def restore_code() -> None:
        team.write(folder, "first")
        if served.team.served() != "first":
            stack.dagnix("reload")

    try:
        stack.dagnix("up", "--mount", str(folder))
        served = serve(stack, folder, restore_code)
        yield served
    finally:
        podman.remove(stack.project)


@contextmanager
def baked_in(
    podman: Podman, folder: Path, prepare: Callable[[Path], None] = lambda _: None
) -> Iterator[Served]:
    """Serve the team's code from an image, on a stack and from a checkout of its own.

    `prepare` may change the checkout before the stack starts.
    """
    tree = folder / "checkout"
    checkout.write(tree)
    prepare(tree)
    stack = Stack.new(podman, folder, tree)

    def restore_code() -> None:
        # A deploy takes seconds, so what a test has deployed stays.
        answer = served.team.served()
        team.write(served.folder, answer or "first")
        if not answer:
            stack.dagnix("deploy")

    try:
        stack.dagnix("up")
        served = serve(stack, tree / "pipes", restore_code)
        yield served
    finally:
        podman.remove(stack.project)


def serve(stack: Stack, folder: Path, restore_code: Callable[[], None] = lambda: None) -> Served:
    """Wait until the dashboard has the team's code, which stands in a folder."""
    dashboard = Dashboard(stack.port)
    dashboard.wait_for_job("short")
    client = DagsterGraphQLClient("127.0.0.1", port_number=stack.port)
    return Served(stack, folder, Team(dashboard), client, restore_code)
