"""Measured values beside their goals and beside the ordinary way to do the same."""

import statistics
from dataclasses import dataclass
from typing import Self

from rich.table import Table

TITLES = ("FIGURE", "MEASURED", "GOAL", "OF GOAL", "CONTAINERFILE", "RATIO", "HOW")


@dataclass(frozen=True)
class Figure:
    """One measured value.

    `goal` is a most, and `other` what the same took with a Containerfile and `podman build` in the
    same run; both in `unit`.
    """

    name: str
    value: float
    unit: str
    goal: float | None
    how: str
    other: float | None = None

    @classmethod
    def of_times(
        cls, name: str, spent: list[float], goal: float | None, how: str = "", **more: float
    ) -> Self:
        """Return the median of times in seconds, and say how far they were apart."""
        said = spread(spent)
        return cls(
            name, statistics.median(spent), "s", goal, f"{said}; {how}" if how else said, **more
        )

    @property
    def row(self) -> tuple[str, ...]:
        """The cells of its line in the table."""
        goal = f"{self.goal:.4g} {self.unit}" if self.goal else ""
        share = f"{self.value / self.goal:.0%}" if self.goal else ""
        colour = "red" if self.goal and self.value > self.goal else "green"
        measured = f"[{colour}]{self.value:.2f} {self.unit}[/]"
        other = f"{self.other:.2f} {self.unit}" if self.other else ""
        ratio = f"{self.value / self.other:.2f}" if self.other else ""
        return self.name, measured, goal, share, other, ratio, self.how


def table(figures: list[Figure]) -> Table:
    """Return the table of what was measured."""
    made = Table(box=None, pad_edge=False)
    for title in TITLES:
        made.add_column(title)
    for figure in figures:
        made.add_row(*figure.row)
    return made


def spread(spent: list[float]) -> str:
    """Say in words how far times in seconds are apart."""
    return f"median of {len(spent)}, {min(spent):.2f} to {max(spent):.2f}"
