"""Nothing of another program is replaced at run time, and no string is executed."""

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.stack import ROOT

OWN = {"dagnix", "dagster_dagnix", "pipes"}
# Those that set attributes by name, and those that execute text.
SETTERS = {"setattr", "delattr"}
EXECUTORS = {"exec", "eval"}


def programs() -> list[Path]:
    """Return all Python of the repository that runs outside of tests."""
    words = ["git", "-C", str(ROOT), "ls-files", "*.py"]
    names = subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()
    paths = [Path(name) for name in names]
    return [each for each in paths if "tests" not in each.parts and (ROOT / each).is_file()]


def faults(text: str) -> Iterator[str]:
    """Yield what is assigned to modules and classes of others, and what is executed."""
    tree = ast.parse(text)
    others = set(imported(tree))
    for node in ast.walk(tree):
        for target in targets(node):
            if replaces(target, others):
                yield f"line {target.lineno}: {ast.unparse(target)} is assigned"
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if isinstance(node.func, ast.Name) and name in EXECUTORS:
                yield f"line {node.lineno}: {name} of a string"
            elif name in SETTERS and not is_self(node.args[0]):
                yield f"line {node.lineno}: {ast.unparse(node)}"


def imported(tree: ast.AST) -> Iterator[str]:
    """Yield the names that stand for modules, classes and functions of others."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for each in node.names:
                if each.name.split(".")[0] not in OWN:
                    yield each.asname or each.name.split(".")[0]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] not in OWN:
            yield from (each.asname or each.name for each in node.names)


def targets(node: ast.AST) -> Iterator[ast.expr]:
    """Yield what a statement assigns to, or deletes."""
    if isinstance(node, (ast.Assign, ast.Delete)):
        for target in node.targets:
            yield from target.elts if isinstance(target, ast.Tuple) else [target]
    elif isinstance(node, (ast.AugAssign, ast.AnnAssign, ast.For)):
        yield node.target
    elif isinstance(node, (ast.withitem,)) and node.optional_vars:
        yield node.optional_vars


def replaces(target: ast.expr, others: set[str]) -> bool:
    """Tell whether an assignment changes a module or a class; os.environ may change."""
    if isinstance(target, ast.Subscript):
        inside = ast.unparse(target.value)
        return inside == "sys.modules" or inside.startswith("vars(") or "__dict__" in inside
    return isinstance(target, ast.Attribute) and root(target) in others


def root(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def is_self(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "self"


@pytest.mark.parametrize(
    "text",
    [
        "import a.b\na.b.c = 1",
        "from a import B\nB.c = 1",
        "from a import B\nB.c += 1",
        "from a import B\nx, B.c = 1, 2",
        "import a as b\ndel b.c",
        "import a\nsetattr(a, 'c', 1)",
        "for a in x: setattr(a, 'c', 1)",
        "exec('1')",
        "eval(x)",
        "import sys\nsys.modules['x'] = 1",
        "vars(x)['y'] = 1",
        "from a import B\nB.__dict__['y'] = 1",
        "from a import B\nwith x as B.c: pass",
    ],
)
def test_what_replaces_something_is_seen(text: str) -> None:
    assert list(faults(text))


@pytest.mark.parametrize(
    "text",
    [
        "import os\nos.environ['x'] = '1'",
        "import sys\nsys.argv[:] = []",
        "class A:\n  def __init__(self):\n    self.x = 1",
        "from dagnix import x\nx.y = 1",
        "model.eval()",
        "import a\nb = a.c",
        "object.__setattr__(self, 'x', 1)",
        "setattr(self, name, 1)",
    ],
)
def test_what_replaces_nothing_is_not(text: str) -> None:
    assert not list(faults(text))


def test_no_program_replaces_anything() -> None:
    found = {
        f"{path}, {fault}" for path in programs() for fault in faults((ROOT / path).read_text())
    }
    assert len(programs()) > 100
    assert found == set()
