"""The code of a mounted folder."""

import os
from pathlib import Path

from dagnix import UserError, code_locations
from dagnix.code import dagster_project
from dagnix.host.podman import podman
from dagnix.polling import wait_until
from dagnix.process import CommandError
from dagnix.project import Project
from dagnix.stack import dashboard
from dagnix.stack.containers import Container, containers
from dagnix.stack.health import PROGRAM

SERVICE = code_locations.FIRST  # the one that compose.mount.yaml is for
MOUNT_FILE = "compose.mount.yaml"
DOES_NOT_LOAD = 1  # the exit code of `runtime reload`; podman's own are 125 and more
FOLLOW_SECONDS = 60
PAUSE_SECONDS = 0.1


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
    dagster_project.read(folder)


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


def reload(project: Project, served: Container) -> str:
    """Serve the code of a folder as it is now; return what it holds when the dashboard shows it.

    Raises:
        UserError: it does not load, so what was served goes on; or Dagster does not answer.

    """
    words = ["exec", served.identifier, PROGRAM, "reload"]
    done = podman(project, *words, failure="The code cannot be reloaded", check=False)
    if done.returncode == DOES_NOT_LOAD and done.output:
        raise UserError(f"{done.output.strip()}\nThe code that is served stays as it was.")
    if done.returncode:
        raise CommandError("The code cannot be reloaded", done)
    server, _, says = done.output.strip().partition(" ")
    wait_until(
        lambda: _is_shown(dashboard.server(project, served.service), server),
        f"The webserver does not show the new code after {FOLLOW_SECONDS} s: see "
        "`./dagnix logs webserver`.",
        seconds=FOLLOW_SECONDS,
        pause=PAUSE_SECONDS,
    )
    return says


def _is_shown(shown: str, server: str) -> bool:
    """Tell whether the dashboard shows a code server, or one that has followed it by now.

    They are the names of their sockets: code-HOST-BOOT-NUMBER.sock.
    """
    (start, _, number), (other, _, newest) = (
        name.removesuffix(".sock").rpartition("-") for name in (server, shown)
    )
    return shown == server or (start == other and int(newest) > int(number))
