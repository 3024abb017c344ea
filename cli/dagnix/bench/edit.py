"""One line of code is edited."""

import time
from pathlib import Path


def one_line(code: Path) -> None:
    """Add a line to the code of a project; no other edit has been the same."""
    with _module(code).open("a") as file:
        file.write(f"EDITED = {time.time_ns()}\n")


def _module(code: Path) -> Path:
    modules = sorted(path for path in code.rglob("*.py") if "tests" not in path.parts)
    return next((path for path in modules if path.name == "definitions.py"), modules[0])
