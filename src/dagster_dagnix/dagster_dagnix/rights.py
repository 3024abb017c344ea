"""What the role of a code location may do with Dagster's tables, if a database has such roles.

A code location `a-b` logs in as `dagster_a_b`, a member of the role `code_location`. It reads all
tables, as sensors and partitions of one location depend on assets of others, and writes of its own
runs alone: PostgreSQL's row-level security compares each row. The tables' owner, as whom webserver
and daemon log in, gives the rights, and gives them anew when a migration has added a table.
"""

import hashlib
import logging
import time

from dagster._core.storage.tags import REPOSITORY_LABEL_TAG
from sqlalchemy import text
from sqlalchemy.engine import Connection

GROUP = "code_location"
WAIT_SECONDS = 120.0
QUIET_SECONDS = 5.0  # before it says that it waits
PAUSE_SECONDS = 0.2
LOCK_TIMEOUT = "20s"  # what waits for a table's lock longer keeps all others from the table

# Tables with the ID of a run in each row. A table that this Dagster does not have is left out.
OF_RUNS = {
    "runs": ("is_own_run(run_id)", "is_own_body(run_id, run_body)"),
    "run_tags": ("is_own_run(run_id)", "is_own_tag(run_id, key, value)"),
    "event_logs": ("is_own_run(run_id)", "is_own_entry(run_id, event)"),
    "asset_event_tags": ("is_own_event(event_id)",) * 2,
    "asset_check_executions": ("is_own_run(run_id)",) * 2,
    "pending_steps": ("is_own_run(run_id)",) * 2,
}
# Tables of what belongs to no location: assets, partitions and pools are everybody's in Dagster.
SHARED = {
    "asset_keys": "INSERT, UPDATE",
    "concurrency_limits": "INSERT, UPDATE, DELETE",
    "concurrency_slots": "INSERT, UPDATE, DELETE",
    "dynamic_partitions": "INSERT, DELETE",
    "snapshots": "INSERT",
}

# The policies ask those that name the schemas to look in, as who writes may have others. All others
# are called from these alone.
FUNCTIONS = r"""
CREATE OR REPLACE FUNCTION own_location() RETURNS text STABLE LANGUAGE sql AS $$
    SELECT CASE WHEN current_user ~ '^dagster_' THEN replace(substr(current_user, 9), '_', '-') END
$$;

-- The tag by whose value the dashboard lists the runs of a location.
CREATE OR REPLACE FUNCTION is_own_label(label text) RETURNS boolean STABLE LANGUAGE sql AS $$
    SELECT substring(label from '[^@]*$') = own_location()
$$;

-- The JSON that Python writes, without what PostgreSQL does not read: NaN, and within strings zero
-- bytes and halves of characters. No name of a field has these.
CREATE OR REPLACE FUNCTION as_json(written text) RETURNS json IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
    IF strpos(written, 'NaN') + strpos(written, 'Infinity') > 0 THEN
        written := regexp_replace(written, '([:,[]\s*)(NaN|-?Infinity)', '\1null', 'g');
    END IF;
    IF strpos(written, '\u') > 0 THEN
        written := regexp_replace(written, '\\(\\|u0000|u[dD][89a-fA-F]..)', '?', 'g');
    END IF;
    RETURN written;
END
$$;

CREATE OR REPLACE FUNCTION names_own_location(run_id text, run_body text) RETURNS boolean
STABLE LANGUAGE plpgsql AS $$
DECLARE
    run json := as_json(run_body);
    job json := run -> 'external_pipeline_origin';
    repository json := job -> 'external_repository_origin';
    location text := repository -> 'repository_location_origin' ->> 'location_name';
    label text := run #>> '{{tags,{label}}}';
BEGIN
    -- Dagster would read the same fields under these names, too.
    IF coalesce(run -> 'remote_job_origin', job -> 'repository_origin',
                repository -> 'code_location_origin') IS NOT NULL THEN
        RETURN false;
    END IF;
    RETURN run ->> 'run_id' IS NOT DISTINCT FROM run_id
        AND (label IS NULL OR is_own_label(label))
        AND (coalesce(json_typeof(job), 'null') = 'null'
             OR location IS NOT DISTINCT FROM own_location());
END
$$;

-- Whether a run is of this location, or of none. An event without a run is nobody's.
CREATE OR REPLACE FUNCTION is_own(wanted text) RETURNS boolean STABLE LANGUAGE plpgsql AS $$
DECLARE
    found_value text;
BEGIN
    IF wanted = '' THEN
        RETURN true;
    END IF;
    SELECT value INTO found_value FROM run_tags WHERE run_id = wanted AND key = '{label}';
    IF FOUND THEN
        RETURN is_own_label(found_value);
    END IF;
    -- Tags are stored after the run.
    SELECT run_body INTO found_value FROM runs WHERE run_id = wanted;
    RETURN FOUND AND names_own_location(wanted, found_value);
END
$$;

CREATE OR REPLACE FUNCTION is_own_run(run_id text) RETURNS boolean STABLE LANGUAGE plpgsql
SET search_path = {schema}, pg_temp AS $$BEGIN
    RETURN is_own(run_id);
END$$;

CREATE OR REPLACE FUNCTION is_own_body(run_id text, run_body text) RETURNS boolean
STABLE LANGUAGE plpgsql SET search_path = {schema}, pg_temp AS $$BEGIN
    RETURN names_own_location(run_id, run_body);
END$$;

CREATE OR REPLACE FUNCTION is_own_tag(run_id text, key text, value text) RETURNS boolean
STABLE LANGUAGE plpgsql SET search_path = {schema}, pg_temp AS $$BEGIN
    RETURN is_own(run_id) AND (key <> '{label}' OR is_own_label(value));
END$$;

CREATE OR REPLACE FUNCTION is_own_entry(run_id text, event text) RETURNS boolean
STABLE LANGUAGE plpgsql SET search_path = {schema}, pg_temp AS $$BEGIN
    RETURN is_own(run_id) AND as_json(event) ->> 'run_id' = run_id;
END$$;

CREATE OR REPLACE FUNCTION is_own_event(wanted bigint) RETURNS boolean STABLE LANGUAGE plpgsql
SET search_path = {schema}, pg_temp AS $$BEGIN
    RETURN (SELECT is_own(run_id) FROM event_logs WHERE id = wanted);
END$$;
"""


def may_make_tables(connection: Connection) -> bool:
    """Tell whether this role makes Dagster's tables, rather than wait for them."""
    asked = "SELECT has_schema_privilege(current_schema(), 'CREATE')"
    return bool(connection.execute(text(asked)).scalar())


def wait(connection: Connection, seconds: float = WAIT_SECONDS) -> None:
    """Wait until this role, which makes no tables, may store events.

    Raises TimeoutError when it may not after so many seconds.
    """
    asked = "SELECT has_table_privilege(to_regclass('event_logs'), 'INSERT')"
    began, told = time.monotonic(), False
    while not connection.execute(text(asked)).scalar():
        waited = time.monotonic() - began
        if waited > min(seconds, QUIET_SECONDS) and not told:
            told = True
            role = connection.execute(text("SELECT current_user")).scalar()
            why = (
                f"The role {role} may not store events in Dagster's tables: webserver and daemon "
                f"give it that right as they start, if it is a member of the role {GROUP}."
            )
            logging.getLogger(__name__).warning("%s Waiting for them.", why)
        if waited > seconds:
            raise TimeoutError(why)
        time.sleep(PAUSE_SECONDS)


def are_given(connection: Connection) -> bool:
    """Tell whether nothing is to be given: all has been, or the database has no such roles."""
    if not connection.execute(text(f"SELECT to_regrole('{GROUP}')")).scalar():
        return True
    # The first right of all: pg_restore leaves it out with --schema, and all with --no-privileges.
    may_look = f"SELECT has_schema_privilege('{GROUP}', current_schema(), 'USAGE')"
    if not connection.execute(text(may_look)).scalar():
        return False
    asked = "SELECT obj_description(to_regprocedure('own_location()'), 'pg_proc')"
    return connection.execute(text(asked)).scalar() == _digest(_statements(connection))


def give(connection: Connection) -> None:
    """Give the role of all code locations its rights, all or none."""
    statements = _statements(connection)
    named = f"COMMENT ON FUNCTION own_location() IS '{_digest(statements)}'"
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}';{statements};{named}")


def _digest(statements: str) -> str:
    return hashlib.sha256(statements.encode()).hexdigest()


def _statements(connection: Connection) -> str:
    """Return the statements for the tables that there are. PostgreSQL runs them as one."""
    schema = connection.execute(text("SELECT quote_ident(current_schema())")).scalar()
    asked = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1"
    tables = [name for (name,) in connection.execute(text(asked))]
    statements = [
        FUNCTIONS.format(schema=schema, label=REPOSITORY_LABEL_TAG),
        f"-- {' '.join(tables)}\nGRANT USAGE ON SCHEMA {schema} TO {GROUP}",
        f"REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM {GROUP}",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {GROUP}",
        f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {GROUP}",
    ]
    statements += [
        f"GRANT {commands} ON {table} TO {GROUP}"
        for table, commands in SHARED.items()
        if table in tables
    ]
    for table, (old, new) in OF_RUNS.items():
        if table in tables:
            statements += _policies(table, old, new)
    return ";\n".join(statements)


def _policies(table: str, old: str, new: str) -> list[str]:
    """Return statements by which a location writes rows that are `old` before and `new` after."""
    rows = {
        "SELECT": "USING (true)",
        "INSERT": f"WITH CHECK ({new})",
        "UPDATE": f"USING ({old}) WITH CHECK ({new})",
        "DELETE": f"USING ({old})",
    }
    statements = [
        f"GRANT INSERT, UPDATE, DELETE ON {table} TO {GROUP}",
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
    ]
    for command, chosen in rows.items():
        name = f"{GROUP}_{command.lower()}"
        statements += [
            f"DROP POLICY IF EXISTS {name} ON {table}",
            f"CREATE POLICY {name} ON {table} FOR {command} TO {GROUP} {chosen}",
        ]
    return statements
