"""Measured values beside their goals and beside the usual way to do the same."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from rich.table import Table

TITLES = ("FIGURE", "DAGNIX", "CONTAINERFILES", "RATIO", "GOAL", "OF GOAL", "HOW")


@dataclass(frozen=True)
class Measured:
    """The median of `n` values, and the least and the most of them."""

    value: float
    low: float
    high: float
    n: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Self | None:
        """Return what values come to; nothing if there are none."""
        if not values:
            return None
        return cls(statistics.median(values), min(values), max(values), len(values))

    @property
    def as_json(self) -> dict[str, Any]:
        """The words of results.json."""
        return {"value": self.value, "min": self.low, "max": self.high, "n": self.n}

    def shown(self, unit: str) -> str:
        """Say it in a cell, with its spread if it was taken more than once."""
        spread = f" ({self.low:.2f} to {self.high:.2f})" if self.n > 1 else ""
        return f"{self.value:.2f} {unit}{spread}"


@dataclass(frozen=True)
class Figure:
    """One figure, for Dagnix and for the usual variant.

    `goal` is a most, in `unit`. A side that was not measured is None, and `how` says why.
    """

    name: str
    unit: str
    ours: Measured | None
    how: str = ""
    goal: float | None = None
    theirs: Measured | None = None

    @classmethod
    def of(  # noqa: PLR0913 - what a line of the table has
        cls,
        name: str,
        unit: str,
        ours: Sequence[float],
        theirs: Sequence[float] = (),
        *,
        goal: float | None = None,
        how: str = "",
    ) -> Self:
        """Return the figure for the values that were measured; none is a side that was not."""
        return cls(name, unit, Measured.of(ours), how, goal, Measured.of(theirs))

    @property
    def ratio(self) -> float | None:
        """Dagnix's share of what the usual variant needs."""
        if self.ours and self.theirs and self.theirs.value:
            return self.ours.value / self.theirs.value
        return None

    @property
    def as_json(self) -> dict[str, Any]:
        """The words of results.json; value, min, max and n are null where nothing was measured."""
        nothing = dict.fromkeys(("value", "min", "max", "n"))
        return {
            "name": self.name,
            "unit": self.unit,
            **(self.ours.as_json if self.ours else nothing),
            "how": self.how,
            "goal": self.goal,
            "other": self.theirs.as_json if self.theirs else None,
        }

    @property
    def row(self) -> tuple[str, ...]:
        """The cells of its line in the table."""
        missed = self.goal and self.ours and self.ours.value > self.goal
        colour = "red" if missed else "green"
        ours = f"[{colour}]{self.ours.shown(self.unit)}[/]" if self.ours else "not taken"
        theirs = self.theirs.shown(self.unit) if self.theirs else ""
        ratio = f"{self.ratio:.2f}" if self.ratio is not None else ""
        goal = f"{self.goal:.4g} {self.unit}" if self.goal else ""
        share = f"{self.ours.value / self.goal:.0%}" if self.goal and self.ours else ""
        return self.name, ours, theirs, ratio, goal, share, self.how


def goal(most: float | None, theirs: Sequence[float], share: float = 1) -> float | None:
    """Return the stricter of a fixed most and a share of what the usual variant takes."""
    known = [most] if most is not None else []
    if theirs:
        known.append(statistics.median(theirs) * share)
    return min(known, default=None)


def table(figures: list[Figure]) -> Table:
    """Return the table of what was measured."""
    made = Table(box=None, pad_edge=False)
    for title in TITLES:
        made.add_column(title)
    for figure in figures:
        made.add_row(*figure.row)
    return made
