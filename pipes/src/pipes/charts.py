"""Charts as Markdown, which Dagster's dashboard shows as pictures."""

from collections.abc import Mapping, Sequence

import dagster as dg
import pygal
from pygal.style import DefaultStyle

from pipes.weather import WeatherDay

# The dashboard has a dark theme too: a chart brings its own paper.
_LOOK = {
    "background": "white",
    "plot_background": "white",
    "foreground": "#333333",
    "foreground_strong": "#111111",
    "guide_stroke_color": "#dddddd",
    "major_guide_stroke_color": "#dddddd",
    "opacity": 1,
    "font_family": "sans-serif",
    "title_font_size": 18,
    "label_font_size": 12,
    "major_label_font_size": 12,
    "legend_font_size": 14,
}
_RED, _BLUE = "#c2410c", "#1d4ed8"


def weather_charts(days: Sequence[WeatherDay]) -> dg.MarkdownMetadataValue:
    """Draw the temperatures as lines and the precipitation as bars, one for each day."""
    span = f"{days[0].date} to {days[-1].date}"
    labels = [str(day.date.day) for day in days]
    temperature = {
        "highest": [day.temp_max_c for day in days],
        "lowest": [day.temp_min_c for day in days],
    }
    precipitation = {"precipitation": [day.precipitation_mm for day in days]}
    return dg.MetadataValue.md(
        _picture(pygal.Line, f"Temperature, °C, {span}", labels, temperature, (_RED, _BLUE))
        + "\n\n"
        + _picture(pygal.Bar, f"Precipitation, mm, {span}", labels, precipitation, (_BLUE,))
    )


def _picture(
    kind: type[pygal.Graph],
    title: str,
    labels: Sequence[str],
    series: Mapping[str, Sequence[float]],
    colors: Sequence[str],
) -> str:
    chart = kind(
        title=title,
        x_labels=labels,
        # The dashboard makes room for a picture that says how large it is.
        explicit_size=True,
        width=800,
        height=320,
        margin_right=40,
        max_scale=8,
        show_legend=len(series) > 1,
        legend_at_bottom=True,
        style=DefaultStyle(colors=tuple(colors), **_LOOK),
        # A picture runs no scripts, so none is linked from it.
        js=[],
    )
    for name, values in series.items():
        chart.add(name, values)
    return f"![{title}]({chart.render_data_uri()})"
