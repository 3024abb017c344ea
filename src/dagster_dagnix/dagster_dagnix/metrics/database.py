"""Queries of Dagster's tables in PostgreSQL."""

from collections.abc import Sequence
from typing import Any

from dagster import DagsterInstance
from dagster._core.storage.runs import SqlRunStorage
from sqlalchemy import text
from sqlalchemy.engine import Row


def rows(instance: DagsterInstance, query: str, **values: Any) -> Sequence[Row]:
    """Return the rows of a query. Raises TypeError if runs are in no database."""
    storage = instance.run_storage
    if not isinstance(storage, SqlRunStorage):
        raise TypeError(f"The runs are in no database, but in {type(storage).__name__}.")
    with storage.connect() as connection:
        return connection.execute(text(query), values).fetchall()
