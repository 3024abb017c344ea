"""Good files are accepted; bad ones fail the run and are moved aside, with a reason."""

from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest

from pipes.defs.daily_weather import daily_weather
from pipes.incoming import Incoming

Drop = Callable[..., Path]
DAY = "2015-06-01"


@pytest.fixture
def run(incoming: Incoming, instance: dg.DagsterInstance) -> Callable:
    def materialize(
        partition: str | None = DAY, tags: dict[str, str] | None = None
    ) -> dg.ExecuteInProcessResult:
        return dg.materialize(
            [daily_weather],
            resources={"incoming": incoming},
            partition_key=partition,
            tags=tags,
            instance=instance,
            raise_on_error=False,
        )

    return materialize


def failure(result: dg.ExecuteInProcessResult) -> str:
    (event,) = result.filter_events(lambda event: event.is_step_failure)
    return event.step_failure_data.user_failure_data.description


def failed_checks(result: dg.ExecuteInProcessResult) -> list[str]:
    return [each.check_name for each in result.get_asset_check_evaluations() if not each.passed]


def test_good_file(run: Callable, drop: Drop) -> None:
    path = drop(DAY)
    result = run()
    assert result.success
    assert len(result.get_asset_check_evaluations()) == 6
    assert failed_checks(result) == []
    (event,) = result.asset_materializations_for_node("daily_weather")
    assert event.metadata["temp_max_c"].value == 9.0
    assert (path.parent / "accepted" / path.name).exists()


def test_run_again(run: Callable, drop: Drop) -> None:
    drop(DAY)
    assert run().success
    assert run().success


@pytest.mark.parametrize(
    ("changes", "check", "reason"),
    [
        (
            {"temp_min_c": 20.0},
            "temperatures_in_order",
            "temp_min_c 20.0 is above temp_max_c 9.0",
        ),
        ({"wind_m_per_s": 400.0}, "within_bounds", "wind_m_per_s is 400.0, outside 0 to 114"),
        (
            {"date": "2015-06-02"},
            "day_of_the_name",
            "the row is of 2015-06-02, the file's name says 2015-06-01",
        ),
        ({"precipitation_mm": "wet"}, "readable", "line 2: precipitation_mm 'wet' is not a number"),
    ],
)
def test_bad_file(
    run: Callable, drop: Drop, changes: dict[str, object], check: str, reason: str
) -> None:
    path = drop(DAY, **changes)
    content = path.read_bytes()

    result = run()

    assert not result.success
    assert failure(result) == f"Bad files, moved aside: weather-2015-06-01.csv: {reason}"
    assert failed_checks(result) == [check]
    assert result.asset_materializations_for_node("daily_weather") == []
    assert not path.exists()
    moved = path.parent / "rejected" / path.name
    assert moved.read_bytes() == content
    assert Path(f"{moved}.reason.txt").read_text() == f"weather-2015-06-01.csv: {reason}\n"


def test_bad_file_is_not_retried(run: Callable, drop: Drop) -> None:
    drop(DAY, temp_min_c=20.0)
    assert not run().filter_events(lambda event: event.is_step_up_for_retry)


def test_unknown_weather_only_warns(run: Callable, drop: Drop) -> None:
    drop(DAY, weather="hail")
    result = run()
    assert result.success
    assert failed_checks(result) == ["known_weather"]


def test_no_file(run: Callable, incoming: Incoming) -> None:
    result = run()
    assert failure(result) == f"There is no weather-2015-06-01.csv: put one into {incoming.folder}."


def test_one_bad_file_among_many(run: Callable, drop: Drop) -> None:
    good = drop("2015-06-01")
    bad = drop("2015-06-02", wind_m_per_s=-1.0)
    tags = {
        "dagster/asset_partition_range_start": "2015-06-01",
        "dagster/asset_partition_range_end": "2015-06-02",
    }
    result = run(None, tags)
    assert not result.success
    assert "weather-2015-06-02.csv" in failure(result)
    assert "weather-2015-06-01.csv" not in failure(result)
    assert good.exists()
    assert not bad.exists()
