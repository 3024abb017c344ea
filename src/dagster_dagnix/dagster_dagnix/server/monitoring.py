"""What the run server has to know of Dagster's run monitoring."""

import os
from pathlib import Path

import yaml

CANCEL_TIMEOUT_SECONDS = 180  # Dagster's default


def check_kill_seconds(kill_seconds: float) -> None:
    """Raise SystemExit if run monitoring would call a run CANCELED before it is killed.

    It does so after `cancel_timeout_seconds`, whether the run's process has ended or not.
    """
    path = Path(os.environ.get("DAGSTER_HOME") or os.devnull, "dagster.yaml")
    if not path.is_file():
        return
    monitoring = (yaml.safe_load(path.read_text()) or {}).get("run_monitoring") or {}
    timeout = monitoring.get("cancel_timeout_seconds", CANCEL_TIMEOUT_SECONDS)
    if isinstance(timeout, int) and kill_seconds >= timeout > 0:
        raise SystemExit(
            f"DAGNIX_KILL_SECONDS is {kill_seconds:g}, but after {timeout} s a run is shown as "
            "CANCELED, whether its process has ended or not (cancel_timeout_seconds in "
            "dagster.yaml): set it lower."
        )
