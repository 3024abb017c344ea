"""Load a project's code as a code server would, and say how that went.

Each line on standard input names a project; the answer is a line on standard output: the code
server's reply to ListRepositories, or the dependencies that are missing. Each project is loaded in
a process of its own, forked from this one, as importing Dagster takes a second. The argument is the
text of dependencies.py.
"""

import importlib.metadata
import json
import os
import platform
import sys
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
from packaging.specifiers import SpecifierSet

_program: dict[str, Any] = {}
exec(sys.argv[1], _program)  # noqa: S102 - that is what it is for
read_dependencies = _program["declared"]


def lacking(declared: Any) -> Iterator[str]:
    """Yield what a project depends on and this Python lacks, as it is written."""
    python = platform.python_version()
    if not SpecifierSet(declared.python).contains(python):
        yield f"Python {declared.python} (the image has {python})"
    for written in declared.requirements:
        requirement = Requirement(written)
        if requirement.marker and not requirement.marker.evaluate():
            continue
        try:
            version = importlib.metadata.version(requirement.name)
        except importlib.metadata.PackageNotFoundError:
            yield written
            continue
        if not requirement.specifier.contains(version, prereleases=True):
            yield f"{written} (the image has {version})"


def dependencies(folder: str) -> str:
    """Return an answer if the project's dependencies are not there or cannot be read, or ""."""
    try:
        declared = read_dependencies(Path(folder))
        missing = list(lacking(declared))
    except ValueError as error:
        return json.dumps({"__class__": "UnreadableDependencies", "message": str(error)})
    if not missing:
        return ""
    answer = {"__class__": "MissingDependencies", "file": declared.file, "dependencies": missing}
    return json.dumps(answer)


def load(folder: str, modules: str, target: dict[str, str], variables: dict[str, str]) -> str:
    """Return the answer about the project in `folder`, as JSON."""
    os.environ.update(variables)
    os.chdir(folder)
    sys.path.insert(0, modules)
    os.environ["PYTHONPATH"] = os.pathsep.join([modules, os.environ.get("PYTHONPATH", "")])
    try:
        if answer := dependencies(folder):
            return answer
        origin = LoadableTargetOrigin(working_directory=modules, **target)
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
