"""What of a stack can be reached from where: by trying."""

import json
import secrets
import sys
from ipaddress import IPv4Network
from pathlib import Path

from dagnix import code_locations
from support.command import run

# Who has this uid on the host is in root's containers the user of the services.
CONTAINERS_USER = 10001

_CONNECT = """
import json, socket, sys
said = {}
for path in sys.argv[1:]:
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(path)
            said[path] = "connected"
        except OSError as error:
            said[path] = type(error).__name__
print(json.dumps(said))
"""

# For a container, which has no arguments: addresses, and the ports that services have elsewhere.
_DIAL = """
import json, socket
said = {{}}
for host in {hosts!r}:
    for port in (3000, 4000, 5432):
        try:
            socket.create_connection((host, port), 2).close()
            said[f"{{host}}:{{port}}"] = "connected"
        except OSError as error:
            said[f"{{host}}:{{port}}"] = type(error).__name__
print(json.dumps(said))
"""

# A browser would not let a page choose its Host; a pipeline does.
_ASK = """
import http.client
link = http.client.HTTPConnection({host!r}, 3000, timeout=10)
try:
    link.request("GET", {path!r}, headers={{"Host": "localhost"}})
    answer = link.getresponse()
    print(answer.status, answer.read().decode())
except (OSError, http.client.HTTPException) as error:
    print(type(error).__name__)
"""


# What the code of a location does to find what is not its own, and to do something as another.
_LOOK = """
import json, os, pathlib, psycopg2

def connect(user, schema=""):
    password = pathlib.Path("/run/secrets/storage-password").read_text().strip()
    found = psycopg2.connect(host=os.environ["STORAGE_PG_HOST"], user=user, password=password,
                             dbname=os.environ["STORAGE_PG_DB"])
    found.autocommit = True
    return found.cursor()

def attempt(cursor, statement, *values):
    try:
        cursor.execute(statement, values)
        return cursor.rowcount
    except psycopg2.Error as error:
        return type(error).__name__

own, runs = connect(os.environ["STORAGE_PG_USER"]), connect(os.environ["DAGSTER_PG_USER"])
own.execute("CREATE TABLE IF NOT EXISTS secret AS SELECT current_user AS whose")
said = {{
    "sockets": sorted(os.listdir("/run/dagnix")),
    "secrets": sorted(os.listdir("/run/secrets")),
    "compute logs": sorted(os.listdir("/var/lib/dagster/compute_logs")),
}}
for schema in {schemas!r}:
    said[schema] = attempt(own, f"SELECT FROM {{schema}}.secret")
for user in {users!r}:
    try:
        connect(user)
        said["as " + user] = "let in"
    except psycopg2.Error:
        said["as " + user] = "kept out"
# A run of its own, if it has none yet: like that of another, but for the location.
(location, other) = {locations!r}
runs.execute("SELECT FROM run_tags WHERE value = %s", ["__repository__@" + location])
if not runs.rowcount:
    runs.execute(
        "INSERT INTO runs (run_id, status, pipeline_name, run_body) SELECT 'own', 'NOT_STARTED', "
        "pipeline_name, replace(replace(run_body, run_id, 'own'), %s, %s) FROM runs LIMIT 1",
        [json.dumps({{"location_name": each}})[1:-1] for each in (other, location)])
    runs.execute("INSERT INTO run_tags (run_id, key, value) VALUES ('own', %s, %s)",
                 [".dagster/repository", "__repository__@" + location])
for location in {locations!r}:
    label = "__repository__@" + location
    runs.execute("SELECT run_id FROM run_tags WHERE value = %s ORDER BY id LIMIT 1", [label])
    (run,) = runs.fetchone()
    event = json.dumps({{"run_id": run}})
    said["for " + location] = {{
        "says": attempt(runs, "INSERT INTO event_logs (run_id, event) VALUES (%s, %s)", run, event),
        "tags": attempt(runs, "INSERT INTO run_tags (run_id, key) VALUES (%s, 'said')", run),
        "changes": attempt(runs, "UPDATE runs SET mode = mode WHERE run_id = %s", run),
        "launches": attempt(
            runs,
            "INSERT INTO runs (run_id, status, pipeline_name, run_body) SELECT 'new', "
            "'NOT_STARTED', pipeline_name, replace(run_body, run_id, 'new') FROM runs "
            "WHERE run_id = %s", run),
    }}
    runs.execute("DELETE FROM runs WHERE run_id = 'new'")
    runs.execute("DELETE FROM event_logs WHERE run_id = %s AND dagster_event_type IS NULL "
                 "AND event = %s", [run, event])
    runs.execute("DELETE FROM run_tags WHERE run_id = %s AND key = 'said'", [run])
try:
    os.remove("/run/dagnix/postgres/.s.PGSQL.5432")
except OSError as error:
    said["removes"] = type(error).__name__
print(json.dumps(said))
"""


def look(location: str, other: str) -> str:
    """Return code for a container of one location, which tries what it gets at of another's."""
    names = [_storage(each) for each in (location, other)]
    users = [*names, _runs(location), _runs(other), "dagster", "postgres"]
    return _LOOK.format(schemas=[*names, "dagster"], users=users, locations=[location, other])


def seen(location: str, other: str) -> dict[str, object]:
    """Return what such code is to say: it gets at its own alone."""
    refused = "InsufficientPrivilege"
    users = (_storage(other), _runs(other), "dagster", "postgres")
    return {
        "sockets": sorted([location, "postgres"]),
        "secrets": ["location", "shared", "storage-password"],
        "compute logs": [location],
        _storage(location): 1,
        _storage(other): refused,
        "dagster": refused,
        f"as {_storage(location)}": "let in",
        f"as {_runs(location)}": "let in",
        **{f"as {user}": "kept out" for user in users},
        f"for {location}": dict.fromkeys(("says", "tags", "changes", "launches"), 1),
        f"for {other}": {"says": refused, "tags": refused, "changes": 0, "launches": refused},
        "removes": "OSError",
    }


def _storage(location: str) -> str:
    return "storage" if location == code_locations.FIRST else code_locations.role(location)


def _runs(location: str) -> str:
    return code_locations.run_role(location)


def as_neighbour(code: str) -> str:
    """Run Python code on a machine that has this host as its router; return what it prints.

    The machine is a network of its own. Root's to do.
    """
    name = f"dagnix-{secrets.token_hex(4)}"
    # For tests of networks (RFC 2544); others than another test has at the same time.
    here = IPv4Network("198.18.0.0/15")[4 * secrets.randbelow(1 << 15) + 1]
    there = here + 1
    run(["ip", "netns", "add", name])
    try:
        for words in (
            ["link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name],
            ["address", "add", f"{here}/30", "dev", name],
            ["link", "set", name, "up"],
            ["-netns", name, "address", "add", f"{there}/30", "dev", "eth0"],
            ["-netns", name, "link", "set", "eth0", "up"],
            ["-netns", name, "route", "add", "default", "via", str(here)],
        ):
            run(["ip", *words])
        inside = ["nsenter", f"--net=/run/netns/{name}"]
        return run([*inside, sys.executable, "-c", code]).stdout
    finally:
        run(["ip", "netns", "delete", name])


def sockets(folder: Path, uid: int) -> dict[str, str]:
    """Return what comes of connecting to each socket in a folder, as a user of the host.

    The folders around it, which in a test are closed anyway, are out of the way. Root's to do.
    """
    names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_socket())
    # Below the folder that is to keep others out.
    at = "/mnt"
    mounted = f'mount --bind "$1" {at}; shift; exec "$@"'
    account = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups"]
    paths = [f"{at}/{folder.name}/{name}" for name in names]
    python = ["/usr/bin/python3", "-c", _CONNECT, *paths]
    command = ["unshare", "--mount", "sh", "-euc", mounted, "sh", folder.parent, *account, *python]
    said = json.loads(run(command).stdout)
    return {path.removeprefix(f"{at}/{folder.name}/"): how for path, how in said.items()}


def dial(*hosts: str) -> str:
    """Return Python code that prints, as JSON, which ports of these hosts can be connected to."""
    return _DIAL.format(hosts=hosts)


def dialled(code: str) -> dict[str, str]:
    """Return what such code says on this host."""
    return json.loads(run([sys.executable, "-c", code]).stdout)


def ask(gate: str, path: str = "/server_info") -> str:
    """Return Python code that prints what the gate answers who says that he comes from its host."""
    return _ASK.format(host=gate, path=path)
