"""A day's weather, and the file that it comes in."""

import csv
import dataclasses
import io
from collections.abc import Mapping
from datetime import date


@dataclasses.dataclass(frozen=True, slots=True)
class WeatherDay:
    """One day at one place. The field names are the columns of the file and of the table."""

    date: date
    precipitation_mm: float
    temp_max_c: float
    temp_min_c: float
    wind_m_per_s: float
    weather: str


COLUMNS = tuple(field.name for field in dataclasses.fields(WeatherDay))


class NotWeatherError(ValueError):
    """A file cannot be read as weather; the message says in which line, and why."""


def read_weather(content: bytes) -> list[WeatherDay]:
    """Read a file: UTF-8, comma-separated, a header line with COLUMNS, a line for each day.

    Raises:
        NotWeatherError: the content is anything else.

    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise NotWeatherError(f"line {line}: not UTF-8 text") from error
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(lines, [])
        if tuple(header) != COLUMNS:
            raise NotWeatherError(
                f"line 1: the header is {','.join(header)!r}, not {','.join(COLUMNS)!r}"
            )
        return [_weather_day(values, lines.line_num) for values in lines if values]
    except csv.Error as error:
        raise NotWeatherError(f"line {lines.line_num}: {error}") from error


def _weather_day(values: list[str], line: int) -> WeatherDay:
    if len(values) != len(COLUMNS):
        raise NotWeatherError(f"line {line}: {len(values)} values, not {len(COLUMNS)}")
    row = dict(zip(COLUMNS, values, strict=True))
    return WeatherDay(
        date=_day(row["date"], line),
        precipitation_mm=_number(row, "precipitation_mm", line),
        temp_max_c=_number(row, "temp_max_c", line),
        temp_min_c=_number(row, "temp_min_c", line),
        wind_m_per_s=_number(row, "wind_m_per_s", line),
        weather=row["weather"],
    )


def _day(value: str, line: int) -> date:
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise NotWeatherError(f"line {line}: date {value!r} is not a date (YYYY-MM-DD)") from error


def _number(row: Mapping[str, str], column: str, line: int) -> float:
    try:
        return float(row[column])
    except ValueError as error:
        raise NotWeatherError(f"line {line}: {column} {row[column]!r} is not a number") from error
