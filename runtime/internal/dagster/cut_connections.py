"""Use no connection to Postgres that it has cut.

Each kept one that Postgres closed, when it was restarted, would fail what is done with it: a
request, the launch of a run, a tick. So each is tried when it is taken out of its pool, as in
SQLAlchemy's documentation ("Disconnect Handling - Pessimistic"): Dagster makes the engines.
"""

from typing import Any

import psycopg2
from sqlalchemy import event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import Pool


@event.listens_for(Pool, "checkout")
def check(connection: Any, _record: object, _proxy: object) -> None:
    """Have the pool replace all that it keeps if this connection is cut."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT")
    except psycopg2.Error as error:
        raise DisconnectionError from error
