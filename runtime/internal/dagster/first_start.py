"""Make Dagster's tables, which are not in Postgres yet, before a program of its own runs.

Every process of Dagster makes the tables when it opens the instance and they are not there; when
several do at the same time, all but one fail. So they take turns here, each in the program's own
process, as importing Dagster takes seconds; who has to wait imports the program meanwhile.
"""

import os
import sys
from contextlib import closing
from importlib.metadata import entry_points

import psycopg2
from dagster import DagsterInstance

have_tables = sys.argv.pop(1)
LOCK = 0x6461676E6978  # any number that nothing else in the database takes

fields = {"host": "HOST", "port": "PORT", "dbname": "DB", "user": "USER", "password": "PASSWORD"}
settings = {field: os.environ[f"DAGSTER_PG_{name}"] for field, name in fields.items()}


def import_program() -> None:
    """Import what the script of the program's name does."""
    name = next(word for word in sys.argv if word.startswith("dagster"))
    for script in entry_points(group="console_scripts", name=name):
        script.load()


with closing(psycopg2.connect(**settings)) as session, session.cursor() as cursor:
    cursor.execute("SELECT pg_try_advisory_lock(%s)", (LOCK,))
    if cursor.fetchone() == (False,):
        import_program()
        cursor.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
    cursor.execute(have_tables)
    if cursor.fetchone() == (False,):
        DagsterInstance.get().dispose()
