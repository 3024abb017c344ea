"""The Dagster projects in tests/projects, and what is to be read in them."""

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "projects"
CASES: list[dict[str, Any]] = json.loads((FOLDER / "cases.json").read_text())


def having(*keys: str) -> dict[str, dict[str, Any]]:
    """Return the cases, by name, that say one of these."""
    return {case["name"]: case for case in CASES if any(key in case for key in keys)}


def folder_of(case: dict[str, Any], scratch: Path) -> Path:
    """Return the project's folder; one that is not in tests/projects is made in `scratch`."""
    if "files" not in case:
        return FOLDER / case["name"]
    folder = scratch / "project"
    for name, text in case["files"].items():
        path = folder / name
        (path if name.endswith("/") else path.parent).mkdir(parents=True, exist_ok=True)
        if not name.endswith("/"):
            path.write_text(text)
    return folder
