"""Each rule can fail, and says why."""

import dataclasses
from datetime import date

import pytest

from pipes.rules import RULES
from pipes.weather import WeatherDay

DAY = date(2012, 1, 2)
GOOD = WeatherDay(DAY, 10.9, 10.6, 2.8, 4.5, "rain")


def problems(*rows: WeatherDay) -> dict[str, str]:
    found = {rule.name: rule.problem(rows, DAY) for rule in RULES}
    return {name: problem for name, problem in found.items() if problem}


def test_good_row_breaks_none() -> None:
    assert problems(GOOD) == {}


@pytest.mark.parametrize(
    ("changes", "rule", "problem"),
    [
        (
            {"date": date(2012, 1, 3)},
            "day_of_the_name",
            "the row is of 2012-01-03, the file's name says 2012-01-02",
        ),
        (
            {"precipitation_mm": -0.1},
            "within_bounds",
            "precipitation_mm is -0.1, outside 0 to 1825",
        ),
        ({"temp_max_c": 60.0}, "within_bounds", "temp_max_c is 60.0, outside -90 to 57"),
        ({"temp_min_c": -91.0}, "within_bounds", "temp_min_c is -91.0, outside -90 to 57"),
        ({"wind_m_per_s": float("nan")}, "within_bounds", "wind_m_per_s is nan, outside 0 to 114"),
        (
            {"temp_min_c": 11.0},
            "temperatures_in_order",
            "temp_min_c 11.0 is above temp_max_c 10.6",
        ),
        (
            {"weather": "frogs"},
            "known_weather",
            "weather 'frogs' is none of drizzle, fog, rain, snow, sun",
        ),
    ],
)
def test_broken_rule(changes: dict[str, object], rule: str, problem: str) -> None:
    assert problems(dataclasses.replace(GOOD, **changes)) == {rule: problem}


@pytest.mark.parametrize("rows", [(), (GOOD, GOOD)])
def test_not_one_row(rows: tuple[WeatherDay, ...]) -> None:
    assert problems(*rows) == {"one_row": f"{len(rows)} rows, not 1"}
