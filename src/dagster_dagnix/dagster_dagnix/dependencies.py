"""What a Dagster project says that it depends on, read without running any of it.

`./dagnix lock` reads it on the host, before Nix has built anything, and check.py in the images: so
this has the standard library only.
"""

import ast
import configparser
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

# A requirement that is a file, a folder or an address: a lock has nothing but packages of an index.
PLACE = re.compile(r"[\w.-]+\s*(\[[^]]*\]\s*)?@|\w+\+|\w+://|[./~]|.*\.(whl|zip|tar\.gz)$")
WRITE = "list the dependencies as [project] dependencies in pyproject.toml"


class Declared(NamedTuple):
    """A project's dependencies, as they are written."""

    file: str  # the one, in the project's folder, that says so; "" if none says anything
    requirements: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    python: str = ""  # the versions of Python that it runs on, as a version specifier; "" for any


class Part(NamedTuple):
    """What one file says; None for what it says nothing of."""

    requirements: tuple[str, ...] | None = None
    constraints: tuple[str, ...] = ()
    python: str | None = None


def declared(folder: Path) -> Declared:
    """Return what the first of a project's files that lists requirements says.

    Raises ValueError, with a sentence, for a file that cannot be read without running it.
    """
    python, said = None, ""
    constraints: list[str] = []
    for name, read in READERS.items():
        path = folder / name
        if not path.is_file():
            continue
        part = read(path)
        constraints += part.constraints
        if part.python and not python:
            python, said = part.python, name
        if part.requirements is not None:
            _require_index(path, (*part.requirements, *constraints))
            return Declared(name, part.requirements, tuple(constraints), python or "")
    return Declared(said, (), tuple(constraints), python or "")


def _require_index(path: Path, requirements: Iterable[str]) -> None:
    for each in requirements:
        if PLACE.match(each):
            raise ValueError(
                f"{path} depends on {each}, which is no package of an index: publish it in yours, "
                "or put its code into the project."
            )


def _pyproject(path: Path) -> Part:
    try:
        content = tomllib.loads(path.read_text())
    except ValueError as error:
        raise ValueError(f"{path} cannot be read: {error}.") from error
    project, tool = content.get("project", {}), content.get("tool", {})
    python = project.get("requires-python")
    constraints = tuple(tool.get("dagnix", {}).get("constraints", ()))
    if "dependencies" in project:
        listed = project["dependencies"]
        if not _are_strings(listed):
            raise ValueError(f"{path}: [project] dependencies is no list of strings.")
        return Part(tuple(listed), constraints, python)
    dynamic = tool.get("setuptools", {}).get("dynamic", {}).get("dependencies", {})
    if "dependencies" in project.get("dynamic", ()) and "file" in dynamic:
        names = dynamic["file"]
        found = _files(path, [names] if isinstance(names, str) else names, python)
        return found._replace(constraints=(*constraints, *found.constraints))
    if "dependencies" in tool.get("poetry", {}):
        raise ValueError(f"{path} lists dependencies in a form of Poetry's own: {WRITE}.")
    return Part(None, constraints, python)


def _setup_cfg(path: Path) -> Part:
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(path.read_text(), str(path))
    except configparser.Error as error:
        raise ValueError(f"{path} cannot be read: {error.message}.") from error
    if not parser.has_section("options"):
        return Part()
    options = parser["options"]
    python = options.get("python_requires")
    listed = options.get("install_requires")
    if listed is None:
        return Part(python=python)
    if listed.startswith("file:"):
        return _files(path, listed.removeprefix("file:").replace(",", "\n").split(), python)
    lines = (line.strip() for line in listed.splitlines())
    return Part(tuple(line for line in lines if line and not line.startswith("#")), (), python)


def _setup_py(path: Path) -> Part:
    try:
        tree = ast.parse(path.read_text(), str(path))
    except SyntaxError as error:
        raise ValueError(f"{path}, line {error.lineno}: {error.msg}.") from error
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call) and _is_setup(node.func))
    call = next(calls, None)
    if call is None:
        return Part()
    keywords = {keyword.arg: keyword.value for keyword in call.keywords}
    names = _names(tree)
    python = listed = None
    if "python_requires" in keywords:
        python = _literal(path, "python_requires", keywords["python_requires"], names)
    if "install_requires" in keywords:
        listed = _literal(path, "install_requires", keywords["install_requires"], names)
        if not _are_strings(listed):
            raise ValueError(f"{path}: install_requires is no list of strings.")
    elif None in keywords:
        raise _not_literal(path, "install_requires", keywords[None])
    return Part(None if listed is None else tuple(listed), (), python)


def _is_setup(function: ast.expr) -> bool:
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", None)
    return name == "setup"


def _names(tree: ast.Module) -> dict[str, ast.expr]:
    """Return the values of the names that are set once and read once, so not changed in between."""
    used = [node.id for node in ast.walk(tree) if isinstance(node, ast.Name)]
    return {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name) and used.count(target.id) == 2
    }


def _literal(path: Path, keyword: str, node: ast.expr, names: Mapping[str, ast.expr]) -> Any:
    if isinstance(node, ast.Name) and node.id in names:
        others = {name: value for name, value in names.items() if name != node.id}
        return _literal(path, keyword, names[node.id], others)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = (_literal(path, keyword, side, names) for side in (node.left, node.right))
        if isinstance(left, list) and isinstance(right, list):
            return [*left, *right]
    try:
        return ast.literal_eval(node)
    except ValueError:
        raise _not_literal(path, keyword, node) from None


def _not_literal(path: Path, keyword: str, node: ast.expr) -> ValueError:
    return ValueError(
        f"{path}, line {node.lineno}: what {keyword} is shows only when setup.py runs, which "
        f"Dagnix does not do: {WRITE}, or write {keyword} as a plain literal."
    )


def _are_strings(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and all(isinstance(each, str) for each in value)


def _requirements_txt(path: Path) -> Part:
    return _files(path, [path.name], None)


def _files(beside: Path, names: Iterable[str], python: str | None) -> Part:
    """Return what files in pip's format list, which stand beside another one."""
    requirements: list[str] = []
    constraints: list[str] = []
    for name in names:
        _collect(beside.parent / name, requirements, constraints, ())
    return Part(tuple(requirements), tuple(constraints), python)


def _collect(
    path: Path, requirements: list[str], constraints: list[str], including: tuple[Path, ...]
) -> None:
    if path in including:
        raise ValueError(f"{path} includes itself.")
    try:
        text = path.read_text()
    except FileNotFoundError:
        by = f", which {including[-1]} includes," if including else ""
        raise ValueError(f"{path}{by} is not there.") from None
    for number, line in _lines(text):
        option, value = _option(line)
        if not option:
            requirements.append(line)
        elif option in ("-r", "--requirement"):
            inside = (*including, path)
            _collect(path.parent / value, requirements, constraints, inside)
        elif option in ("-c", "--constraint"):
            _collect(path.parent / value, constraints, constraints, (*including, path))
        elif option in ("-e", "--editable") and value in (".", "./"):
            continue  # the project itself
        else:
            raise ValueError(
                f"{path}, line {number}: Dagnix does not read the option {option}: take it out. "
                "Indexes and credentials are those that pip is configured with, and a lock has the "
                "hash of every file."
            )


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield the lines that say something, those that go on in the next one joined, as pip does."""
    begun, start = "", 0
    for number, line in enumerate([*text.splitlines(), ""], 1):
        start = start if begun else number
        whole = begun + line
        begun = ""
        if whole.endswith("\\") and not whole.lstrip().startswith("#"):
            begun = whole[:-1]
            continue
        if said := re.sub(r"(^|\s+)#.*$", "", whole).strip():
            yield start, said


def _option(line: str) -> tuple[str, str]:
    """Split a line of a requirements file into an option and its value; "" is no option."""
    if found := re.fullmatch(r"(--[\w-]+|-\w)(?:\s*=\s*|\s*)(.*)", line):
        return found[1], found[2].strip().strip("\"'")
    if found := re.search(r"\s(--[\w-]+)", line):  # behind a requirement
        return found[1], ""
    return "", ""


READERS = {
    "pyproject.toml": _pyproject,
    "setup.cfg": _setup_cfg,
    "setup.py": _setup_py,
    "requirements.txt": _requirements_txt,
}
