"""Make Dagster's tables, which are not in Postgres yet, before a program of its own runs.

When several processes make them at the same time, all but one fail. So they take turns here, each
in the program's own process, as importing Dagster takes seconds; who has to wait imports the
program meanwhile. Later processes do not even look: `should_autocreate_tables` is false.

A fork makes them: what that takes, 18 MB, the program would not give back.
"""

import multiprocessing
import os
import sys
import threading
from contextlib import closing
from importlib.metadata import entry_points

import psycopg2
from dagster_postgres import DagsterPostgresStorage
from dagster_postgres.utils import get_conn_string

have_tables = sys.argv.pop(1)
LOCK = 0x6461676E6978  # any number that nothing else in the database takes

fields = {
    "hostname": "HOST",
    "port": "PORT",
    "db_name": "DB",
    "username": "USER",
    "password": "PASSWORD",
}
database = get_conn_string(
    **{field: os.environ[f"DAGSTER_PG_{name}"] for field, name in fields.items()}
)


def import_program() -> None:
    """Import what the script of the program's name does."""
    name = next(word for word in sys.argv if word.startswith("dagster"))
    for script in entry_points(group="console_scripts", name=name):
        script.load()


with closing(psycopg2.connect(database)) as session, session.cursor() as cursor:
    cursor.execute("SELECT pg_try_advisory_lock(%s)", (LOCK,))
    if cursor.fetchone() == (False,):
        import_program()
        cursor.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
    cursor.execute(have_tables)
    if cursor.fetchone() == (False,):
        if threading.active_count() > 1:  # `runtime start` has those begin later that start threads
            raise RuntimeError("a process with threads does not fork safely")
        made = multiprocessing.get_context("fork").Process(
            target=DagsterPostgresStorage, args=(database,)
        )
        made.start()
        made.join()
        if made.exitcode:
            sys.exit(
                "Dagster's tables could not be made in Postgres: see above. "
                f"The process that makes them ended with {made.exitcode}."
            )
