"""Runs in an image: prints Dagster's schema revisions, the database's and the image's, as JSON."""

import json
import os
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path

import psycopg2
from alembic.script import ScriptDirectory

spec = find_spec("dagster")  # which does not import it
if spec is None or not spec.submodule_search_locations:
    raise SystemExit("This image has no Dagster.")
(folder,) = spec.submodule_search_locations
scripts = ScriptDirectory(str(Path(folder) / "_core" / "storage" / "alembic"))

fields = {"host": "HOST", "port": "PORT", "dbname": "DB", "user": "USER", "password": "PASSWORD"}
settings = {field: os.environ[f"DAGSTER_PG_{name}"] for field, name in fields.items()}
with closing(psycopg2.connect(**settings)) as session, session.cursor() as cursor:
    cursor.execute("SELECT version_num FROM alembic_version")
    database = [revision for (revision,) in cursor.fetchall()]

print(
    json.dumps(
        {
            "database": database,
            "newest": scripts.get_heads(),
            "known": [script.revision for script in scripts.walk_revisions()],
        }
    )
)
