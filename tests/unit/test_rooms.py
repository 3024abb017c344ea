"""No room or module of src/dagnix needs one that needs it; what runs first needs no package."""

import ast
import subprocess
import sys
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
from support.stack import ROOT

SOURCES = ROOT / "src"
BASE = "the modules below no room"
# What puts the rooms together.
TOP = {"dagnix.__main__"}
# They run on the host's own Python, before anything is built.
FIRST = ("fetch", "lock", "doctor")


def modules() -> dict[str, Path]:
    found = {}
    for path in SOURCES.glob("dagnix/**/*.py"):
        name = ".".join(path.relative_to(SOURCES).with_suffix("").parts)
        found[name.removesuffix(".__init__")] = path
    return found


def imports(path: Path, known: Mapping[str, Path]) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "dagnix":
            for each in node.names:
                full = f"{node.module}.{each.name}"
                yield full if full in known else str(node.module)


def graph() -> dict[str, set[str]]:
    known = modules()
    return {name: set(imports(path, known)) - {name} for name, path in known.items()}


def room(module: str) -> str:
    if module in TOP:
        return module
    parts = module.split(".")
    is_room = len(parts) > 1 and (SOURCES / "dagnix" / parts[1]).is_dir()
    return parts[1] if is_room else BASE


def cycle(needs: Mapping[str, set[str]]) -> list[str]:
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def test_modules_have_no_circle() -> None:
    # A package's own file is imported before each of its modules, and is to import none of them.
    assert cycle(graph()) == []


def test_rooms_have_no_circle() -> None:
    needs: dict[str, set[str]] = {}
    for module, imported in graph().items():
        needs.setdefault(room(module), set()).update(
            room(each) for each in imported if room(each) != room(module)
        )
    assert {"deploy", "upgrade", "stack", "locks"} <= needs.keys()
    assert cycle(needs) == []


def test_a_circle_is_seen() -> None:
    assert cycle({"a": {"b"}, "b": {"c"}, "c": {"a"}})


@pytest.mark.parametrize("name", FIRST)
def test_what_runs_before_a_build_needs_the_standard_library_alone(name: str) -> None:
    # -S: without site-packages.
    words = [sys.executable, "-S", "-m", "dagnix", name, "--help"]
    shown = subprocess.run(
        words, capture_output=True, text=True, check=False, env={"PYTHONPATH": str(SOURCES)}
    )
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.startswith(f"usage: ./dagnix {name}")
