"""What some days of weather amount to, as Dagster's metadata."""

from collections.abc import Mapping, Sequence
from statistics import fmean

import dagster as dg

from pipes.charts import weather_charts
from pipes.weather import WeatherDay


def figures(days: Sequence[WeatherDay]) -> Mapping[str, dg.MetadataValue]:
    """Sum up one or more days: numbers, which Dagster plots by itself, and charts.

    Returns the number of days and of days with precipitation, the sum of the precipitation (mm),
    and the means of the temperatures (°C) and the wind (m/s).
    """
    return {
        "days": dg.MetadataValue.int(len(days)),
        "wet_days": dg.MetadataValue.int(sum(day.precipitation_mm > 0 for day in days)),
        "precipitation_mm": _number(sum(day.precipitation_mm for day in days)),
        "temp_max_c": _number(fmean(day.temp_max_c for day in days)),
        "temp_min_c": _number(fmean(day.temp_min_c for day in days)),
        "wind_m_per_s": _number(fmean(day.wind_m_per_s for day in days)),
        "chart": weather_charts(days),
    }


def _number(value: float) -> dg.MetadataValue:
    return dg.MetadataValue.float(round(value, 1))
