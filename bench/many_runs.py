"""An event log as long as that of years: one run and its events, copied in Postgres."""

from bench import used
from dagnix.host.podman import podman
from dagnix.project import Project

TABLES = ("runs", "run_tags", "event_logs")
COLUMNS = """
SELECT table_name || ' ' || column_name FROM information_schema.columns
WHERE table_schema = 'dagster' AND table_name IN ('runs', 'run_tags', 'event_logs')
  AND column_name <> 'id' ORDER BY ordinal_position
"""
# A minute lies between a copy and the next, back from now.
COPIES = """
CREATE TEMPORARY TABLE copies AS
SELECT gen_random_uuid()::text AS new, n * interval '1 minute' AS age
FROM generate_series({first}, {last}) AS n
"""
# Each mentions its run's ID in JSON.
BODIES = {"run_body", "event"}
TIMES = {"create_timestamp", "update_timestamp", "timestamp"}


def copy(project: Project, run: str, first: int, last: int) -> None:
    """Add the copies of a run from number `first` to number `last`.

    Raises:
        CommandError: Postgres refuses, as when its disk is full.

    """
    columns: dict[str, list[str]] = {table: [] for table in TABLES}
    for line in psql(project, COLUMNS).splitlines():
        table, column = line.split()
        columns[table].append(column)
    statements = [COPIES.format(first=first, last=last)]
    for table, names in columns.items():
        values = ", ".join(_value(name, run) for name in names)
        statements.append(
            f"INSERT INTO dagster.{table} ({', '.join(names)}) SELECT {values} "  # noqa: S608
            f"FROM dagster.{table}, copies WHERE run_id = '{run}'"
        )
    psql(project, ";\n".join([*statements, "ANALYZE"]))


def _value(column: str, run: str) -> str:
    if column == "run_id":
        return "copies.new"
    if column in BODIES:
        return f"replace({column}, '{run}', copies.new)"
    if column in TIMES:
        return f'"{column}" - copies.age'
    return f'"{column}"'


def psql(project: Project, query: str) -> str:
    """Return what Postgres answers to the superuser. Raises CommandError."""
    container = used.containers(project)["postgres"]
    words = ["psql", "--host=/run/postgresql", "--username=postgres", "--dbname=dagster"]
    words += ["--tuples-only", "--no-align", "--quiet", "--set=ON_ERROR_STOP=1", "--command", query]
    failure = "Postgres does not do what the measurement asks for"
    return podman(project, "exec", container, *words, failure=failure).output
