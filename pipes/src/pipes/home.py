"""Where the files of a laptop go when no variable says otherwise."""

import os
from pathlib import Path


def home() -> Path:
    """DAGSTER_HOME, else `pipes` in the user's state folder (XDG_STATE_HOME, ~/.local/state)."""
    if dagster_home := os.environ.get("DAGSTER_HOME"):
        return Path(dagster_home)
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "pipes"
