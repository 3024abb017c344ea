"""The sensor takes each finished file once, and each correction once more."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from pipes.defs.new_weather_files import new_weather_files
from pipes.incoming import Incoming

Drop = Callable[..., Path]


class Sensor:
    """The sensor with its cursor, tick after tick."""

    def __init__(self, incoming: Incoming, instance: dg.DagsterInstance) -> None:
        self.incoming = incoming
        self.instance = instance
        self.cursor: str | None = None

    def tick(self) -> dict[str, str]:
        """Return the partitions that runs are requested for, by run key."""
        context = dg.build_sensor_context(
            instance=self.instance, cursor=self.cursor, resources={"incoming": self.incoming}
        )
        result = new_weather_files(context)
        self.cursor = result.cursor
        return {request.run_key: request.partition_key for request in result.run_requests}


@pytest.fixture
def sensor(incoming: Incoming, instance: dg.DagsterInstance) -> Sensor:
    return Sensor(incoming, instance)


def test_nothing_waits(sensor: Sensor) -> None:
    assert sensor.tick() == {}


def test_file_is_taken_once_it_stands_still(sensor: Sensor, drop: Drop) -> None:
    drop("2015-06-01")
    assert sensor.tick() == {}
    assert list(sensor.tick().values()) == ["2015-06-01"]


def test_growing_file_is_left_alone(sensor: Sensor, drop: Drop) -> None:
    path = drop("2015-06-01")
    for _ in range(3):
        assert sensor.tick() == {}
        with path.open("a") as file:
            file.write("more")
    assert sensor.tick() == {}
    assert list(sensor.tick().values()) == ["2015-06-01"]


def test_waiting_file_keeps_its_run_key(sensor: Sensor, drop: Drop) -> None:
    drop("2015-06-01")
    sensor.tick()
    assert sensor.tick() == sensor.tick() != {}


def test_corrected_file_gets_another_run_key(sensor: Sensor, drop: Drop) -> None:
    drop("2015-06-01")
    sensor.tick()
    first = sensor.tick()
    drop("2015-06-01", weather="sun")
    assert sensor.tick() == {}
    second = sensor.tick()
    assert list(second.values()) == ["2015-06-01"]
    assert first.keys() != second.keys()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("report.xlsx", "report.xlsx: the name must be weather-YYYY-MM-DD.csv\n"),
        (
            "weather-2012-02-30.csv",
            "weather-2012-02-30.csv: the name must be weather-YYYY-MM-DD.csv\n",
        ),
        (
            "weather-2011-12-31.csv",
            "weather-2011-12-31.csv: 2011-12-31 is before 2012-01-01 or still to come\n",
        ),
        (
            "weather-2999-01-01.csv",
            "weather-2999-01-01.csv: 2999-01-01 is before 2012-01-01 or still to come\n",
        ),
    ],
)
def test_file_without_a_day_is_moved_aside(
    sensor: Sensor, drop: Drop, name: str, reason: str
) -> None:
    path = drop("2015-06-01").rename(Path(sensor.incoming.folder) / name)
    sensor.tick()
    assert sensor.tick() == {}
    moved = path.parent / "rejected" / name
    assert moved.exists()
    assert Path(f"{moved}.reason.txt").read_text() == reason
    assert sensor.tick() == {}


def test_todays_file_has_a_partition(sensor: Sensor, drop: Drop) -> None:
    yesterday = str(datetime.now(UTC).date() - timedelta(days=1))
    today = str(datetime.now(UTC).date())
    drop(yesterday)
    drop(today)
    sensor.tick()
    assert list(sensor.tick().values()) == [yesterday, today]
