"""The table `weather`, in SQLite and in Postgres."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from pipes.storage import Storage
from pipes.weather import WeatherDay

FIRST = WeatherDay(date(2012, 1, 30), 2.0, 10.0, 4.0, 3.0, "rain")
SECOND = WeatherDay(date(2012, 1, 31), 1.0, 8.0, 2.0, 3.0, "sun")
THIRD = WeatherDay(date(2012, 2, 1), 0.0, -1.0, -5.0, 9.5, "snow")


def test_rows_come_back_in_order(storage: Storage) -> None:
    storage.upsert([THIRD, FIRST, SECOND])
    assert storage.days(date(2012, 1, 1), date(2012, 2, 1)) == [FIRST, SECOND, THIRD]
    assert storage.days(date(2012, 1, 31), date(2012, 1, 31)) == [SECOND]
    assert storage.days(date(2013, 1, 1), date(2013, 12, 31)) == []


def test_storing_again_changes_nothing(storage: Storage) -> None:
    for _ in range(2):
        storage.upsert([FIRST, SECOND])
    assert storage.days(FIRST.date, SECOND.date) == [FIRST, SECOND]


def test_corrected_day_replaces_the_old_one(storage: Storage) -> None:
    storage.upsert([FIRST, SECOND])
    corrected = dataclasses.replace(FIRST, precipitation_mm=7.5, weather="drizzle")
    storage.upsert([corrected])
    assert storage.days(FIRST.date, SECOND.date) == [corrected, SECOND]


def test_newest(storage: Storage) -> None:
    assert storage.newest(2) == []
    storage.upsert([THIRD, FIRST, SECOND])
    assert storage.newest(2) == [SECOND, THIRD]
    assert storage.newest(9) == [FIRST, SECOND, THIRD]


def test_many_first_runs_at_once(storage: Storage) -> None:
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(storage.upsert, [[FIRST], [SECOND], [THIRD], [FIRST]] * 2))
    assert storage.days(FIRST.date, THIRD.date) == [FIRST, SECOND, THIRD]


@pytest.mark.postgres
def test_table_is_in_the_schema_of_the_role(postgres_environment: sa.Engine) -> None:
    with Storage.from_environment().process_config_and_initialize_cm() as storage:
        storage.upsert([FIRST])
    assert sa.inspect(postgres_environment).get_table_names(schema="storage") == ["weather"]
    assert sa.inspect(postgres_environment).get_table_names(schema="public") == []


@pytest.mark.postgres
@pytest.mark.usefixtures("postgres_environment")
def test_wrong_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORAGE_PG_PASSWORD", "wrong")
    wrong = Storage.from_environment()
    failed = pytest.raises(OperationalError, match="password authentication failed")
    with wrong.process_config_and_initialize_cm() as storage, failed as raised:
        storage.upsert([FIRST])
    assert "wrong" not in str(raised.value)


def test_password_is_configured_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORAGE_PG_HOST", "postgres")
    monkeypatch.setenv("STORAGE_PG_PASSWORD", "secret")
    monkeypatch.setenv("STORAGE_PG_PORT", "")
    storage = Storage.from_environment()
    assert (storage.host, storage.port, storage.user) == ("postgres", 5432, "storage")
    assert "secret" not in repr(storage)
