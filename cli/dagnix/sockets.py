"""The folder of an instance's Unix sockets, which its containers share, and the list of locations.

Each code location's containers listen in a folder of their own; webserver and daemon see all of
them. On the host only the folder's owner gets at it. All in it is made again when it is needed.
"""

import json
import shutil
from pathlib import Path

from dagnix import UserError, compose_files, locations
from dagnix.project import Project

WORKSPACE = "workspace.yaml"
TARGET = "/run/dagnix"  # where compose.yaml mounts the folder
SERVICES = ("postgres", "webserver")  # that listen, beside code locations


def ensure(project: Project) -> None:
    """Make the folders that are not there, and list the code locations.

    Raises:
        UserError: they cannot be made.

    """
    folder, names = project.sockets, _served(project)
    try:
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.parent.chmod(0o700)
        folder.mkdir(exist_ok=True)
        for name in (*names, *SERVICES):
            (folder / name).mkdir(exist_ok=True)
            # The containers' user is another one; the folder around it keeps all others out.
            (folder / name).chmod(0o777)
        _write(folder / WORKSPACE, _workspace(names))
    except OSError as error:
        raise UserError(
            f"The folder of the services' sockets cannot be made: {error}. DAGNIX_SOCKETS_DIR "
            "names another."
        ) from error


def forget(project: Project, location: str) -> None:
    """Take a location out of the list."""
    names = [name for name in _served(project) if name != location]
    _write(project.sockets / WORKSPACE, _workspace(names))


def remove(project: Project) -> None:
    """Remove the folder, when no container is left."""
    shutil.rmtree(project.sockets, ignore_errors=True)


def _served(project: Project) -> list[str]:
    """Return the code locations that the compose files have a service for, the first one first."""
    found = [locations.FIRST]
    for file in project.compose_files:
        for service in (compose_files.read(project.root / file).get("services") or {}).values():
            own = (service or {}).get("environment")
            name = own.get("DAGNIX_LOCATION") if isinstance(own, dict) else None
            if name and name not in found:
                found.append(name)
    return found


def _workspace(names: list[str]) -> str:
    """Return Dagster's workspace.yaml; JSON is YAML, too."""
    servers = [
        {"grpc_server": {"socket": f"{TARGET}/{name}/code.sock", "location_name": name}}
        for name in names
    ]
    return json.dumps({"load_from": servers}, indent=2) + "\n"


def _write(path: Path, text: str) -> None:
    """Write a file in one step: Dagster may be reading it."""
    if path.is_file() and path.read_text() == text:
        return
    beside = path.with_name(f".{path.name}")
    beside.write_text(text)
    beside.chmod(0o644)
    beside.replace(path)
