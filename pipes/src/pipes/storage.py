"""The table `weather`: in Postgres, or in an SQLite file where there is no Postgres."""

import dataclasses
import os
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Self

import dagster as dg
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DatabaseError

from pipes.home import home
from pipes.weather import COLUMNS, WeatherDay

_METADATA = sa.MetaData()
# Without a schema: the role's search_path says which one (`storage` in the stack).
WEATHER = sa.Table(
    "weather",
    _METADATA,
    sa.Column("date", sa.Date, primary_key=True),
    sa.Column("precipitation_mm", sa.Float, nullable=False),
    sa.Column("temp_max_c", sa.Float, nullable=False),
    sa.Column("temp_min_c", sa.Float, nullable=False),
    sa.Column("wind_m_per_s", sa.Float, nullable=False),
    sa.Column("weather", sa.Text, nullable=False),
    sa.Column("stored_at", sa.DateTime(timezone=True), nullable=False),
)
_DAYS = sa.select(*(WEATHER.c[name] for name in COLUMNS))
_INSERT = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}


class Storage(dg.ConfigurableResource):
    """Where the weather is kept.

    Every method raises sqlalchemy.exc.OperationalError when the database does not answer, or does
    not let this user in.
    """

    host: str | None = None
    port: int = 5432
    # Without a host: the path of an SQLite file.
    database: str
    user: str | None = None
    password: str | None = None

    @classmethod
    def from_environment(cls) -> Self:
        """STORAGE_PG_HOST, _PORT, _DB, _USER and _PASSWORD; SQLite when there is no _HOST."""
        host = os.environ.get("STORAGE_PG_HOST")
        if not host:
            return cls(database=str(home() / "storage.sqlite"))
        return cls(
            host=host,
            port=int(os.environ.get("STORAGE_PG_PORT") or 5432),
            database=os.environ.get("STORAGE_PG_DB") or "dagster",
            user=os.environ.get("STORAGE_PG_USER") or "storage",
            # By name, so that the dashboard shows the variable and never its value.
            password=dg.EnvVar("STORAGE_PG_PASSWORD"),
        )

    def upsert(self, days: Sequence[WeatherDay]) -> None:
        """Store the days; a day that is there already gets the new values."""
        engine = self._engine()
        insert = _INSERT[engine.dialect.name](WEATHER)
        values = {**{name: insert.excluded[name] for name in COLUMNS}, "stored_at": sa.func.now()}
        statement = insert.values(stored_at=sa.func.now()).on_conflict_do_update(
            index_elements=[WEATHER.c.date], set_=values
        )
        _create_table(engine)
        with engine.begin() as connection:
            connection.execute(statement, [dataclasses.asdict(day) for day in days])

    def days(self, first: date, last: date) -> list[WeatherDay]:
        """Read the days from first to last, both included, in order."""
        return self._read(_DAYS.where(WEATHER.c.date.between(first, last)).order_by(WEATHER.c.date))

    def newest(self, count: int) -> list[WeatherDay]:
        """Read the newest days, in order: at most so many."""
        return self._read(_DAYS.order_by(WEATHER.c.date.desc()).limit(count))[::-1]

    def _read(self, query: sa.Select) -> list[WeatherDay]:
        engine = self._engine()
        _create_table(engine)
        with engine.connect() as connection:
            return [WeatherDay(*row) for row in connection.execute(query)]

    def _engine(self) -> sa.Engine:
        if self.host:
            url = sa.URL.create(
                "postgresql+psycopg2",
                self.user,
                self.password,
                self.host,
                self.port,
                self.database,
                {"connect_timeout": "10"},
            )
        else:
            Path(self.database).parent.mkdir(parents=True, exist_ok=True)
            url = sa.URL.create("sqlite", database=self.database, query={"timeout": "30"})
        return sa.create_engine(url, poolclass=sa.NullPool)


def _create_table(engine: sa.Engine) -> None:
    try:
        _METADATA.create_all(engine)
    except DatabaseError:
        # Two first runs at the same moment: the other one made it. What else may be wrong with
        # the database shows again here.
        _METADATA.create_all(engine)
