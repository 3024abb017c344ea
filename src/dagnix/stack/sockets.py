"""The folder of an instance's Unix sockets, which its containers share, and the list of locations.

Each code location's containers listen in a folder of their own; webserver and daemon see all of
them. On the host only the folder's owner gets at it. All in it is made again when it is needed.
"""

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from dagnix import UserError, code_locations
from dagnix.project import Project
from dagnix.stack import compose_files

WORKSPACE = "workspace.yaml"
TARGET = "/run/dagnix"  # where compose.yaml mounts the folder
SERVICES = ("postgres", "webserver", "backup", "gate")  # that listen, beside code locations


def ensure(project: Project) -> None:
    """Make the folders that are not there, and list the code locations.

    Raises:
        UserError: they cannot be made.

    """
    folder, names = project.sockets, served(project)
    try:
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.parent.chmod(0o700)
        folder.mkdir(exist_ok=True)
        for name in (*names, *SERVICES):
            _set_aside(folder / name, unless=Path.is_dir)
            (folder / name).mkdir(exist_ok=True)
            # The containers' user is another one; the folder around it keeps all others out.
            (folder / name).chmod(0o777)
        write(folder / WORKSPACE, _workspace(names))
    except OSError as error:
        raise UserError(
            f"The folder of the services' sockets cannot be made: {error}. DAGNIX_SOCKETS_DIR "
            "names another."
        ) from error


def forget(project: Project, location: str) -> None:
    """Take a location out of the list."""
    names = [name for name in served(project) if name != location]
    write(project.sockets / WORKSPACE, _workspace(names))


def remove(project: Project) -> None:
    """Remove the folder, when no container is left."""
    shutil.rmtree(project.sockets, ignore_errors=True)


def served(project: Project) -> list[str]:
    """Return the code locations that the compose files have a service for, the first one first."""
    found = [code_locations.FIRST]
    for file in project.compose_files:
        for service in (compose_files.read(project.root / file).get("services") or {}).values():
            own = (service or {}).get("environment")
            name = own.get("DAGNIX_LOCATION") if isinstance(own, dict) else None
            if name and name not in found:
                found.append(name)
    return found


def is_lost(pid: int) -> bool:
    """Tell whether a container, by its process, has a folder in here that was deleted since.

    What is made again is another folder, which that container never sees.
    """
    try:
        mounts = Path(f"/proc/{pid}/mountinfo").read_text().splitlines()
    except OSError:
        return False
    # proc(5): the fourth field is the folder, the fifth where it is mounted.
    folders = (line.split()[3:5] for line in mounts)
    return any(
        source.endswith("//deleted") and target.startswith(TARGET) for source, target in folders
    )


def _set_aside(path: Path, *, unless: Callable[[Path], bool]) -> None:
    """Rename what stands where something else belongs."""
    if path.is_symlink() or (path.exists() and not unless(path)):
        path.rename(path.with_name(f".{path.name}.{time.time_ns()}.aside"))


def _workspace(names: list[str]) -> str:
    """Return Dagster's workspace.yaml; JSON is YAML, too."""
    servers = [
        {"grpc_server": {"socket": f"{TARGET}/{name}/code.sock", "location_name": name}}
        for name in names
    ]
    return json.dumps({"load_from": servers}, indent=2) + "\n"


def write(path: Path, text: str) -> None:
    """Write a file in one step: a program in a container may be reading it."""
    _set_aside(path, unless=Path.is_file)
    if path.is_file() and path.read_bytes() == text.encode():
        return
    beside = path.with_name(f".{path.name}")
    beside.write_text(text)
    beside.chmod(0o644)
    beside.replace(path)
