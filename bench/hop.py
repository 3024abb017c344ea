"""What the gate adds to the time of a page: asked of both, one after the other, from this host."""

import json
import os
import sys

from bench.measurements import Measurements
from dagnix.host.podman import settings
from dagnix.process import run
from dagnix.project import Project

TIMES = 100
PATHS = {"page": "/runs", "query": "/graphql"}
QUERY = '{"query": "{ runsOrError(limit: 25) { ... on Runs { results { runId status } } } }"}'
_SCRIPT = """
import http.client, json, socket, statistics, time

class Direct(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(SOCKET)

def milliseconds(link, path):
    method, body = ("POST", QUERY) if path == "/graphql" else ("GET", None)
    headers = {"Host": "localhost", "Content-Type": "application/json"}
    began = time.perf_counter()
    link.request(method, path, body, headers)
    link.getresponse().read()
    return (time.perf_counter() - began) * 1000

links = {"direct": Direct("localhost"), "gate": http.client.HTTPConnection("127.0.0.1", PORT)}
medians = {}
for name, path in PATHS.items():
    measured = {each: [] for each in links}
    for _ in range(TIMES + 5):
        for each, link in links.items():
            measured[each].append(milliseconds(link, path))
    direct, gate = (statistics.median(measured[each][5:]) for each in links)
    medians[name] = gate - direct
print(json.dumps(medians))
"""


def measure(project: Project, measured: Measurements) -> None:
    """Note the milliseconds that the gate adds to a page and to a query: medians of a hundred."""
    socket = str(project.sockets / "webserver" / "http.sock")
    given = f"TIMES, PATHS, QUERY, SOCKET, PORT = {(TIMES, PATHS, QUERY, socket, project.port)!r}\n"
    # The socket is the containers' user's, who without root is one of the user's own.
    words = [] if os.geteuid() == 0 else ["podman", "unshare"]
    words += [sys.executable, "-c", given + _SCRIPT]
    said = run(words, "The webserver and the gate cannot be asked", env=settings())
    for name, added in json.loads(said.output).items():
        measured.add(f"hop: {name}", added)
