"""How a Dagster project says what is to be served of it.

The images decide as this does (src/entrypoint/internal/codeserver/project.go), and tests/projects
has the cases for both: here it is known before anything is built or started.
"""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from dagnix import UserError

# The options of `dagster api grpc`, by what workspace.yaml calls them.
OPTIONS = {
    "python_file": "python-file",
    "python_module": "module-name",
    "python_package": "package-name",
    "autoload_defs_module": "autoload-defs-module-name",
}
# Files beside a single file with definitions.
NOT_SERVED = {"setup.py", "conftest.py", "__init__.py"}


@dataclass(frozen=True)
class Target:
    """What Dagster loads. Paths are relative to the project's folder.

    `option` is one of `dagster api grpc`, `modules` the folder that modules are imported
    from, and "" for an attribute or a location's name leaves that to Dagster or to the stack.
    """

    option: str
    value: str
    modules: str = ""
    attribute: str = ""
    location: str = ""


def read(folder: Path) -> Target:
    """Find what to serve where `dg` and `dagster dev` look, in their order, then in a single file.

    Raises:
        UserError: the folder has no Dagster project, or more than one code location.

    """
    found = _from_pyproject(folder) or _from_workspace(folder) or _from_file(folder)
    if found is None:
        raise UserError(
            f"{folder} is no Dagster project: it has no pyproject.toml with [tool.dg.project] or "
            "[tool.dagster], no workspace.yaml, and no definitions.py (`create-dagster project` "
            "makes one)."
        )
    return found


def _from_pyproject(folder: Path) -> Target | None:
    """Read [tool.dagster], then [tool.dg] or dg.toml."""
    path = folder / "pyproject.toml"
    tool = _toml(path).get("tool", {})
    dagster = tool.get("dagster", {})
    named = [each["name"] for each in dagster.get("modules", ()) if each.get("type") == "module"]
    if dagster.get("module_name"):
        named.append(dagster["module_name"])
    if len(named) > 1:
        raise _several(path, named)
    if named:
        location = dagster.get("code_location_name", "")
        return Target("module-name", named[0], _modules(folder, named[0]), location=location)
    own = folder / "dg.toml"
    path = own if own.is_file() else path
    config = _toml(own) if own.is_file() else tool.get("dg")
    return None if config is None else _from_dg(folder, path, config)


def _from_dg(folder: Path, path: Path, config: dict[str, Any]) -> Target:
    project = config.get("project", {})
    root = project.get("root_module")
    if not root and "workspace" in config:
        raise UserError(
            f"{path} is that of a dg workspace: name the folder of one of its projects, as each is "
            "a code location of its own."
        )
    if not root:
        raise UserError(f"{path} names no Dagster module: set root_module under [tool.dg.project].")
    option, key, default = "module-name", "code_location_target_module", "definitions"
    if project.get("autoload_defs"):
        option, key, default = "autoload-defs-module-name", "defs_module", "defs"
    module = project.get(key) or f"{root}.{default}"
    location = project.get("code_location_name", "")
    return Target(option, module, _modules(folder, module), location=location)


def _from_workspace(folder: Path) -> Target | None:
    path = folder / "workspace.yaml"
    path = path if path.is_file() else folder / "workspace.yml"
    if not path.is_file():
        return None
    try:
        content = yaml.safe_load(path.read_text()) or {}
        served = [
            (kind, entry if isinstance(entry, dict) else {"": entry})
            for location in content.get("load_from") or ()
            for kind, entry in location.items()
        ]
    except (AttributeError, TypeError, ValueError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{path} is not as Dagster has it: {reason}.") from error
    for kind, _ in served:
        if kind not in OPTIONS:
            raise UserError(
                f"{path} has an entry {kind}, which is no code that could be served: give "
                "python_file, python_module or python_package."
            )
    if not served:
        raise UserError(
            f"{path} names no code: give python_file, python_module or python_package under "
            "load_from."
        )
    if len(served) > 1:
        raise _several(path, (_value(entry) for _, entry in served))
    ((kind, entry),) = served
    value = _value(entry)
    modules = "." if kind == "python_file" else _modules(folder, value)
    return Target(
        OPTIONS[kind],
        value,
        entry.get("working_directory") or modules,
        entry.get("attribute", ""),
        entry.get("location_name", ""),
    )


def _value(entry: dict[str, str]) -> str:
    keys = ("", "relative_path", "module_name", "package_name")
    return next((entry[key] for key in keys if entry.get(key)), "")


def _from_file(folder: Path) -> Target | None:
    """Take definitions.py, or the one Python file that there is."""
    names = sorted(
        path.name
        for path in folder.glob("*.py")
        if path.name not in NOT_SERVED and not path.name.startswith("test_")
    )
    if "definitions.py" in names:
        names = ["definitions.py"]
    if len(names) > 1:
        raise UserError(
            f"{folder} has no definitions.py, and nothing that says which of its Python files has "
            f"the definitions ({', '.join(names)}): name it in workspace.yaml as python_file."
        )
    return Target("python-file", names[0], ".") if names else None


def _several(path: Path, served: Iterable[str]) -> UserError:
    names = list(served)
    return UserError(
        f"{path} names {len(names)} code locations ({', '.join(names)}), and a folder is served as "
        "one: leave one in, and put each of the others into a folder of its own."
    )


def _modules(folder: Path, module: str) -> str:
    """Return the folder of a module: as dg has it, where the module is in one of the two."""
    source, top = folder / "src", module.partition(".")[0]
    if not source.is_dir() or (_has(folder, top) and not _has(source, top)):
        return "."
    return "src"


def _has(folder: Path, module: str) -> bool:
    return (folder / module).exists() or (folder / f"{module}.py").exists()


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text()) if path.is_file() else {}
    except ValueError as error:
        raise UserError(f"{path} cannot be read: {error}.") from error
