"""Edits of the kinds that people make every day."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench import lists
from dagnix.locks import lockfile


@contextmanager
def undone(path: Path) -> Iterator[str]:
    """Yield the text of a file, which stands there again after the block."""
    text = path.read_text()
    try:
        yield text
    finally:
        path.write_text(text)


def one_line(code: Path) -> None:
    """Add a line to the code of a project; no other edit has been the same."""
    with _module(code).open("a") as file:
        file.write(f"EDITED = {time.time_ns()}\n")


def comment(config: Path) -> None:
    """Add a comment to a YAML file; no other edit has been the same."""
    with config.open("a") as file:
        file.write(f"# Edited: {time.time_ns()}\n")


def add_package(root: Path, name: str) -> None:
    """Lock one more package for the code location: one of `lists.spare`."""
    lock: dict[str, Any] = lists.lock(root)
    group = lists.groups(lock)[lists.CODE]
    group[:] = sorted({*group, name})
    lockfile.write(lists.path(root), lock)


def _module(code: Path) -> Path:
    modules = sorted(path for path in code.rglob("*.py") if "tests" not in path.parts)
    return next((path for path in modules if path.name == "definitions.py"), modules[0])
