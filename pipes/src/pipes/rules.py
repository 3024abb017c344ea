"""What the rows of a day's file must keep to: each rule is an asset check of `daily_weather`."""

import dataclasses
from collections.abc import Callable, Sequence
from datetime import date

import dagster as dg

from pipes.weather import WeatherDay

# Units as in the column's name. The bounds are the world's records as the World Meteorological
# Organization keeps them (wmo.asu.edu), rounded outwards: beyond them a value is an error.
BOUNDS = {
    "precipitation_mm": (0, 1825),
    "temp_max_c": (-90, 57),
    "temp_min_c": (-90, 57),
    "wind_m_per_s": (0, 114),
}
KNOWN_WEATHER = frozenset({"drizzle", "fog", "rain", "snow", "sun"})


@dataclasses.dataclass(frozen=True, slots=True)
class Rule:
    """`problem` gets a file's rows and the day in its name, and says what is wrong, or None."""

    name: str
    description: str
    problem: Callable[[Sequence[WeatherDay], date], str | None]
    severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.ERROR

    @property
    def is_error(self) -> bool:
        """Tell whether a file that breaks the rule is refused."""
        return self.severity is dg.AssetCheckSeverity.ERROR


def _one_row(rows: Sequence[WeatherDay], _day: date) -> str | None:
    return None if len(rows) == 1 else f"{len(rows)} rows, not 1"


def _day_of_the_name(rows: Sequence[WeatherDay], day: date) -> str | None:
    for row in rows:
        if row.date != day:
            return f"the row is of {row.date}, the file's name says {day}"
    return None


def _within_bounds(rows: Sequence[WeatherDay], _day: date) -> str | None:
    for row in rows:
        for column, (low, high) in BOUNDS.items():
            value = getattr(row, column)
            if not low <= value <= high:
                return f"{column} is {value}, outside {low} to {high}"
    return None


def _temperatures_in_order(rows: Sequence[WeatherDay], _day: date) -> str | None:
    for row in rows:
        if row.temp_min_c > row.temp_max_c:
            return f"temp_min_c {row.temp_min_c} is above temp_max_c {row.temp_max_c}"
    return None


def _known_weather(rows: Sequence[WeatherDay], _day: date) -> str | None:
    for row in rows:
        if row.weather not in KNOWN_WEATHER:
            return f"weather {row.weather!r} is none of {', '.join(sorted(KNOWN_WEATHER))}"
    return None


RULES = (
    Rule("one_row", "A file holds exactly one row.", _one_row),
    Rule("day_of_the_name", "The row's date is the date in the file's name.", _day_of_the_name),
    Rule("within_bounds", "No value is beyond the world's records.", _within_bounds),
    Rule("temperatures_in_order", "temp_min_c ≤ temp_max_c.", _temperatures_in_order),
    Rule(
        "known_weather",
        f"The word for the weather is one of {', '.join(sorted(KNOWN_WEATHER))}.",
        _known_weather,
        # A new word is worth a look, and no reason to lose the day's numbers.
        severity=dg.AssetCheckSeverity.WARN,
    ),
)
