"""Load a project's code as a code server would, and say how that went.

Each line on standard input names a project; the answer is a line on standard output: the code
server's reply to ListRepositories, or the dependencies that are missing. Each project is loaded in
a process of its own, forked from this one, as importing Dagster takes a second.
"""

import importlib.metadata
import json
import os
import sys
import tomllib
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster._utils.test.definitions  # noqa: F401 - else every check imports it
from dagster._core.remote_representation.external_data import RepositorySnap
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._grpc.server import LoadedRepositories
from dagster._grpc.types import ListRepositoriesResponse
from dagster._serdes import serialize_value
from dagster._utils.error import serializable_error_info_from_exc_info
from dagster_shared.libraries import DagsterLibraryRegistry
from packaging.requirements import Requirement


def missing_dependencies(folder: Path) -> Iterator[str]:
    """Yield what [project] in pyproject.toml depends on and this Python lacks, as it is written."""
    project = tomllib.loads((folder / "pyproject.toml").read_text()).get("project", {})
    for declared in project.get("dependencies", ()):
        requirement = Requirement(declared)
        if requirement.marker and not requirement.marker.evaluate():
            continue
        try:
            version = importlib.metadata.version(requirement.name)
        except importlib.metadata.PackageNotFoundError:
            yield declared
            continue
        if not requirement.specifier.contains(version, prereleases=True):
            yield f"{declared} (the image has {version})"


def load(folder: str, modules: str, option: str, module: str, variables: dict[str, str]) -> str:
    """Return the answer about the project in `folder`, as JSON."""
    os.environ.update(variables)
    os.chdir(folder)
    sys.path.insert(0, modules)
    os.environ["PYTHONPATH"] = os.pathsep.join([modules, os.environ.get("PYTHONPATH", "")])
    try:
        if missing := list(missing_dependencies(Path(folder))):
            return json.dumps({"__class__": "MissingDependencies", "dependencies": missing})
        origin = LoadableTargetOrigin(working_directory=modules, **{option: module})
        loaded = LoadedRepositories(origin, None, [sys.executable, "-m", "dagster"], None)
        for repository in loaded.definitions_by_name.values():
            # What the webserver asks for next.
            RepositorySnap.from_def(repository, defer_snapshots=False)
    except BaseException:  # noqa: BLE001 - code may call sys.exit()
        return serialize_value(serializable_error_info_from_exc_info(sys.exc_info()))
    return serialize_value(
        ListRepositoriesResponse(
            loaded.loadable_repository_symbols,
            repository_code_pointer_dict=loaded.code_pointers_by_repo_name,
            dagster_library_versions=DagsterLibraryRegistry.get(),
        )
    )


def load_in_fork(project: dict[str, Any]) -> bytes:
    """Return the answer about a project, from a process of its own."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what the code prints is no answer
            with os.fdopen(writing, "wb") as answer:
                answer.write(load(**project).encode())
        except BaseException:  # noqa: BLE001 - nothing of the parent's may run in here
            traceback.print_exc()
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as answer:
        said = answer.read()
    _, status = os.waitpid(child, 0)
    if said:
        return said
    message = (
        f"the process that loaded the code ended with status {os.waitstatus_to_exitcode(status)}"
    )
    return json.dumps({"__class__": "SerializableErrorInfo", "message": message}).encode()


for line in sys.stdin:
    sys.stdout.buffer.write(load_in_fork(json.loads(line)) + b"\n")
    sys.stdout.buffer.flush()
