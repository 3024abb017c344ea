"""How long an instance keeps what it makes: `retention` of the storage, in dagster.yaml."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self

from dagster import DagsterRun, Field, IntSource, Shape

KEEP_DAYS_TAG = "dagnix/keep_days"
KEEP_RUNS_TAG = "dagnix/keep_runs"


@dataclass(frozen=True)
class Limits:
    """How long a run is kept; 0 is without limit."""

    days: int
    runs: int


def _setting(default: int, description: str) -> Any:
    return field(default=default, metadata={"description": description})


@dataclass(frozen=True)
class Retention:
    """What `retention` says; 0 is without limit, and for `every_hours` never."""

    run_days: int = _setting(90, "Days that a finished run is kept, with all that belongs to it.")
    runs_per_job: int = _setting(10_000, "How many finished runs of a job are kept.")
    compute_log_days: int = _setting(30, "Days that what steps print, and logs of ticks, are kept.")
    step_file_days: int = _setting(30, "Days that what steps of a run hand to others is kept.")
    ticks: int = _setting(10_000, "How many ticks of a schedule or sensor are kept.")
    orphan_days: int = _setting(7, "Days that logs and files without a run are kept.")
    every_hours: int = _setting(24, "Hours until a run server prunes by itself again.")

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Self:
        """Return what a configuration says, with the defaults for what it does not name.

        Raises ValueError for a number below 0.
        """
        for name, value in config.items():
            if value < 0:
                raise ValueError(
                    f"retention: {name} in dagster.yaml is {value}: give 0 for no limit, or a "
                    "number above it."
                )
        return cls(**config)

    def limits_of(self, run: DagsterRun) -> Limits | None:
        """Return the limits of a run: those of its tags, or else those of all runs.

        With one of the two tags there is no limit of the other kind. None is for a tag that
        cannot be read: such a run is kept.
        """
        tags = {name: run.tags[name] for name in (KEEP_DAYS_TAG, KEEP_RUNS_TAG) if name in run.tags}
        if not tags:
            return Limits(self.run_days, self.runs_per_job)
        if not all(is_number(value) for value in tags.values()):
            return None
        return Limits(int(tags.get(KEEP_DAYS_TAG, 0)), int(tags.get(KEEP_RUNS_TAG, 0)))


def is_number(text: str) -> bool:
    """Tell whether a tag is a whole number, 0 or above."""
    return text.isascii() and text.isdigit()


def retention_config() -> Field:
    """Return the schema of `retention`."""
    settings = {
        each.name: Field(
            IntSource,
            is_required=False,
            default_value=each.default,
            description=each.metadata["description"],
        )
        for each in fields(Retention)
    }
    return Field(
        Shape(settings),
        is_required=False,
        description="How long what the instance makes is kept; 0 is without limit.",
    )
