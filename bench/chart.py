"""The figures that say most, as a picture for the README."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pygal
from pygal.style import Style

from dagnix.process import run

# Group and name of each figure; one that was not measured on both sides is left out.
SHOWN = (
    ("build", "cold build"),
    ("build", "no-change build"),
    ("build", "code edit"),
    ("build", "dependency"),
    ("sizes", "images, compressed"),
    ("sizes", "images, unpacked"),
    ("sizes", "push after an edit"),
    ("sizes", "push after a Dagster release"),
    ("code", "edit to served, deploy"),
    ("growth", "100 assets, reload"),
    ("start", "up to healthy"),
    ("runs", "launch to first op"),
    ("idle", "idle CPU, whole stack"),
    ("idle", "idle memory, whole stack"),
)
WIDTH, BAR_HEIGHT, REST_HEIGHT = 900, 34, 120  # pixels
SCALE = 2  # of the PNG: for screens with small pixels
LOOK = Style(
    background="white",
    plot_background="white",
    foreground="#333333",
    foreground_strong="#111111",
    guide_stroke_color="#dddddd",
    major_guide_stroke_color="#dddddd",
    opacity="1",
    colors=("#93c5fd",),
    font_family="DejaVu Sans, sans-serif",
    title_font_size=17,
    label_font_size=12,
    major_label_font_size=12,
    value_font_size=12,
)


def draw(groups: dict[str, Any], svg: Path) -> bool:
    """Write the chart of results, and a PNG beside it; tell whether there was anything to draw.

    Raises:
        UserError: rsvg-convert is not there or fails.

    """
    bars = list(_bars(groups))
    if not bars:
        return False
    days = sorted({group["date"] for group in groups.values()})
    cpus = sorted(
        {
            f"{each['machine']['cores']} cores of {each['machine']['cpu']}"
            for each in groups.values()
        }
    )
    chart = pygal.HorizontalBar(
        title="What Dagnix needs, in % of what Containerfiles, pip and podman build need\n"
        f"{', '.join(cpus)}; {' to '.join(dict.fromkeys((days[0], days[-1])))}",
        style=LOOK,
        explicit_size=True,
        width=WIDTH,
        height=len(bars) * BAR_HEIGHT + REST_HEIGHT,
        show_legend=False,
        print_values=True,
        formatter=lambda percent: f"{percent:.0f} %",
        range=(0, max(100, *(percent for _, percent in bars))),
        # Whoever looks at it loads no script, and the same results give the same file.
        js=(),
        no_prefix=True,
    )
    # It draws from the bottom up.
    chart.x_labels = [label for label, _ in reversed(bars)]
    chart.add("Dagnix", [percent for _, percent in reversed(bars)])
    svg.write_bytes(chart.render())
    words = ["rsvg-convert", f"--zoom={SCALE}", "--output", str(svg.with_suffix(".png")), str(svg)]
    run(words, "The chart cannot be made a PNG")
    return True


def _bars(groups: dict[str, Any]) -> Iterator[tuple[str, float]]:
    """Yield the label of each figure, and Dagnix's share in percent."""
    for group, name in SHOWN:
        for figure in groups.get(group, {}).get("figures", ()):
            ours, theirs = figure["value"], (figure["other"] or {}).get("value")
            if figure["name"] == name and ours is not None and theirs:
                unit = figure["unit"]
                yield f"{name}: {ours:.3g} {unit}, not {theirs:.3g} {unit}", ours / theirs * 100
