"""What the gate adds to the time of a page: asked of both in turns, from where both are as near."""

import json

from dagnix.bench.taken import Taken
from dagnix.podman import podman
from dagnix.project import Project
from dagnix.stack import containers

TIMES = 100
PATHS = {"page": "/runs", "query": "/graphql"}
QUERY = '{"query": "{ runsOrError(limit: 25) { ... on Runs { results { runId status } } } }"}'
_SCRIPT = """
import http.client, json, statistics, time

def milliseconds(link, path):
    method, body = ("POST", QUERY) if path == "/graphql" else ("GET", None)
    headers = {"Host": "localhost", "Content-Type": "application/json"}
    began = time.perf_counter()
    link.request(method, path, body, headers)
    link.getresponse().read()
    return (time.perf_counter() - began) * 1000

links = {name: http.client.HTTPConnection(name, 3000) for name in ("127.0.0.1", "gate")}
medians = {}
for name, path in PATHS.items():
    taken = {each: [] for each in links}
    for _ in range(TIMES + 5):
        for each, link in links.items():
            taken[each].append(milliseconds(link, path))
    direct, gate = (statistics.median(taken[each][5:]) for each in links)
    medians[name] = gate - direct
print(json.dumps(medians))
"""


def measure(project: Project, taken: Taken) -> None:
    """Note the milliseconds that the gate adds to a page and to a query: medians of a hundred."""
    (webserver,) = (each.name for each in containers(project) if each.service == "webserver")
    given = f"TIMES, PATHS, QUERY = {TIMES}, {PATHS!r}, {QUERY!r}\n"
    words = ["exec", webserver, "python3.13", "-c", given + _SCRIPT]
    failure = "The webserver and the gate cannot be asked"
    for name, added in json.loads(podman(project, *words, failure=failure).output).items():
        taken.add(f"hop: {name}", added)
