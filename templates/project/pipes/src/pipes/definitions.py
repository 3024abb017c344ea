"""Dagster's way in: `dagster dev -m pipes.definitions`."""

from pathlib import Path

import dagster as dg


@dg.definitions
def defs() -> dg.Definitions:
    """Everything that stands in the folder `defs`."""
    return dg.load_from_defs_folder(path_within_project=Path(__file__).parent)
