"""The code of a mounted folder: checked in a process of its own, then reloaded."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

from dagnix import UserError, dashboard, layout, locations
from dagnix.health import PROGRAM
from dagnix.podman import directory, podman, settings
from dagnix.process import Conversation
from dagnix.project import Project
from dagnix.stack import Container, containers

SERVICE = locations.FIRST  # the one that compose.mount.yaml is for
MOUNT_FILE = "compose.mount.yaml"
DOES_NOT_LOAD = 1  # the exit code of `runtime check`; podman's own are 125 and more


def mounted(project: Project, chosen: Path) -> Project:
    """Return the project with its code served from a folder.

    Raises:
        UserError: the folder is not there, is no Dagster project, or cannot be mounted.

    """
    whole = chosen.resolve()
    require_project(whole)
    if ":" in str(whole):
        raise UserError(f"Podman mounts no folder with a colon in its path: move {whole}.")
    return project.with_compose_file(MOUNT_FILE, DAGNIX_PIPES_DIR=str(whole))


def require_project(folder: Path) -> None:
    """Raise UserError if this is no folder of a Dagster project that is one code location."""
    if not folder.is_dir():
        raise UserError(f"There is no folder {folder}.")
    layout.read(folder)


def folder(project: Project, service: str) -> Path | None:
    """Return the folder whose code the compose files have served, if it is not the image's."""
    if service != SERVICE or MOUNT_FILE not in {Path(file).name for file in project.compose_files}:
        return None
    named = project.environment.get("DAGNIX_PIPES_DIR") or os.environ.get("DAGNIX_PIPES_DIR")
    return (project.root / (named or "pipes")).resolve()


def container(project: Project) -> Container:
    """Return the container that serves the code of a folder.

    Raises:
        UserError: there is none, or its code is baked into its image.

    """
    found = [each for each in containers(project) if each.service == SERVICE]
    if not found:
        raise UserError(f"No code is served: start {project.name} with `./dagnix up --mount`.")
    if not found[0].mounted:
        raise UserError(
            "The code that is served is baked into its image: serve that of a folder with "
            "`./dagnix up --mount DIR`."
        )
    return found[0]


def require(project: Project, served: Container) -> None:
    """Load the code in a throwaway process in a code server's container.

    Says nothing about a container that does not run: its log does.

    Raises:
        UserError: it does not load; with file and line, or all dependencies that the image lacks.

    """
    words = ["exec", served.identifier, PROGRAM, "check"]
    checked = podman(project, *words, failure="The code cannot be checked", check=False)
    if checked.returncode == DOES_NOT_LOAD and checked.output:
        raise UserError(checked.output.strip())


@dataclass(frozen=True)
class Verdict:
    """Whether the code loads, and what it holds or why it does not."""

    well: bool
    says: str


class Checker(Conversation):
    """A process in the container that loads the code as it is at that time, and serves nothing."""

    def __init__(self, project: Project, served: Container) -> None:
        command = ["podman", "exec", "--interactive", served.name, PROGRAM, "check", "--each-line"]
        failure = f"{served.service} cannot check the code"
        cwd = directory(project.state)
        super().__init__(command, failure, env=settings(project.state), cwd=cwd)

    def check(self) -> Verdict:
        """Load the code once; a second at first, later less."""
        answer = json.loads(self.ask("check"))
        return Verdict(answer["well"], answer["says"])


def reload(project: Project, checker: Checker) -> str:
    """Make the code live if it loads; return what it holds.

    Raises:
        UserError: it does not load, so what was served goes on; or Dagster does not answer.

    """
    verdict = checker.check()
    if not verdict.well:
        raise UserError(f"{verdict.says}\nThe code that is served stays as it was.")
    dashboard.reload_location(project, SERVICE)
    return verdict.says
