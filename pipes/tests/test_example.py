"""The job `example` and the assets behind it, end to end, in both databases."""

import base64
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from xml.etree import ElementTree as ET

import dagster as dg
import pytest

from pipes.definitions import defs
from pipes.incoming import SAMPLES
from pipes.storage import Storage
from pipes.weather import read_weather

Drop = Callable[..., Path]


@pytest.fixture
def run(instance: dg.DagsterInstance) -> Callable:
    def execute(job: str, partition: str | None = None) -> dg.ExecuteInProcessResult:
        return (
            defs()
            .resolve_job_def(job)
            .execute_in_process(partition_key=partition, instance=instance, raise_on_error=False)
        )

    return execute


def charts(result: dg.ExecuteInProcessResult, asset: str) -> list[ET.Element]:
    (event,) = result.asset_materializations_for_node(asset)
    pictures = re.findall(
        r"!\[[^]]+\]\(data:image/svg\+xml;charset=utf-8;base64,([^)]+)\)",
        event.metadata["chart"].value,
    )
    return [ET.fromstring(base64.b64decode(picture)) for picture in pictures]  # noqa: S314


def test_needs_neither_config_nor_partition(run: Callable, storage: Storage) -> None:
    result = run("example")
    assert result.success
    rows = storage.newest(99)
    assert [rows[0].date, rows[-1].date] == [date(2012, 1, 1), date(2012, 1, 31)]
    assert len(result.asset_materializations_for_node("stored_weather")) == len(rows) == 31
    assert len(charts(result, "recent_weather")) == 2


def test_can_be_run_again(run: Callable, storage: Storage) -> None:
    assert run("weather_day", "2012-01-02").success
    (before,) = storage.newest(9)
    assert run("weather_day", "2012-01-02").success
    assert storage.newest(9) == [before]


def test_corrected_file_reaches_the_table(run: Callable, storage: Storage, drop: Drop) -> None:
    assert run("weather_day", "2012-01-02").success
    drop("2012-01-02", precipitation_mm=55.5)
    assert run("weather_day", "2012-01-02").success
    assert [day.precipitation_mm for day in storage.newest(9)] == [55.5]


def test_bad_file_does_not_reach_the_table(run: Callable, storage: Storage, drop: Drop) -> None:
    drop("2015-06-01", wind_m_per_s=-1.0)
    assert not run("weather_day", "2015-06-01").success
    assert storage.newest(9) == []


def test_month(run: Callable, storage: Storage) -> None:
    for path in SAMPLES.glob("weather-2012-01-*.csv"):
        storage.upsert(read_weather(path.read_bytes()))
    result = run("summaries", "2012-01-01")
    assert result.success
    (event,) = result.asset_materializations_for_node("monthly_summary")
    values = {name: value.value for name, value in event.metadata.items() if name != "chart"}
    # Worked out from the samples with awk.
    assert values == {
        "days": 31,
        "wet_days": 22,
        "precipitation_mm": 173.3,
        "temp_max_c": 7.1,
        "temp_min_c": 1.5,
        "wind_m_per_s": 3.9,
    }
    (check,) = result.get_asset_check_evaluations()
    assert check.passed
    temperature, precipitation = charts(result, "monthly_summary")
    assert temperature.get("width") == "800"
    texts = [element.text for element in precipitation.iter()]
    assert "Precipitation, mm, 2012-01-01 to 2012-01-31" in texts


def test_month_with_days_missing_warns(run: Callable, storage: Storage) -> None:
    storage.upsert(read_weather((SAMPLES / "weather-2012-02-01.csv").read_bytes()))
    result = run("summaries", "2012-02-01")
    assert result.success
    (check,) = result.get_asset_check_evaluations()
    assert not check.passed
    assert check.severity is dg.AssetCheckSeverity.WARN
    assert check.metadata["expected"].value == 29


def test_month_without_days_fails(run: Callable) -> None:
    result = run("summaries", "2013-05-01")
    (failure,) = [
        event.step_failure_data.user_failure_data
        for event in result.all_events
        if event.is_step_failure and event.step_key == "monthly_summary"
    ]
    assert failure.description == "No day of May 2013 is stored: materialize stored_weather first."
