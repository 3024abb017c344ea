import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from bench import chart
from bench.figure import Figure
from bench.results import merge

MACHINE = {"cpu": "Test CPU", "cores": 2, "memory": 4.0, "kernel": "6.1", "podman": "5.4.2"}


@pytest.fixture
def results() -> dict[str, Any]:
    groups = merge({}, "build", [Figure.of("cold build", "s", [20, 30, 40], [120])], MACHINE)
    sizes = [
        Figure.of("images, unpacked", "MB", [300], [400]),
        Figure.of("images, compressed", "MB", [], [150], how="not measured: it failed"),
    ]
    return merge(groups, "sizes", sizes, MACHINE)


def texts(svg: Path) -> list[str]:
    return [each.text for each in ET.parse(svg).iter() if each.tag.endswith("}text") and each.text]  # noqa: S314


def test_it_shows_what_both_sides_have(results: dict[str, Any], tmp_path: Path) -> None:
    svg = tmp_path / "chart.svg"
    assert chart.draw(results, svg)
    shown = texts(svg)
    assert "cold build: 30 s, not 120 s" in shown
    assert "25 %" in shown
    assert "images, unpacked: 300 MB, not 400 MB" in shown
    assert "75 %" in shown
    assert not any(text.startswith("images, compressed") for text in shown)
    assert any("2 cores of Test CPU" in text for text in shown)
    assert (tmp_path / "chart.png").read_bytes().startswith(b"\x89PNG")


def test_the_same_results_give_the_same_file(results: dict[str, Any], tmp_path: Path) -> None:
    files = [tmp_path / "one.svg", tmp_path / "two.svg"]
    for file in files:
        chart.draw(results, file)
    first, second = (file.read_bytes() for file in files)
    assert first == second
    assert b"href=" not in first, "it loads something"


def test_without_figures_there_is_no_picture(tmp_path: Path) -> None:
    assert not chart.draw({}, tmp_path / "chart.svg")
    assert list(tmp_path.iterdir()) == []
