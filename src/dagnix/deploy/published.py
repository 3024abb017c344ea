"""What is served, written down for the webserver, which tells it to Prometheus.

src/dagster_dagnix/dagster_dagnix/metrics/services.py reads the file. It is made again by each `up`.
"""

import json
from collections.abc import Iterable
from typing import Any

from dagnix.deploy.described import describe
from dagnix.project import Project
from dagnix.stack import sockets
from dagnix.stack.containers import Container, moment

FILE = "deployed.json"


def publish(project: Project, serving: Iterable[Container]) -> None:
    """Write down what these containers of code locations serve; what is known of others stays.

    Raises:
        OSError: the file cannot be written.

    """
    path = project.sockets / FILE
    found = read(project)
    for each in serving:
        location = describe(project, each, served=True)
        found[each.service] = {
            "digest": location.digest,
            "revision": location.revision,
            "timestamp": moment(location.since).timestamp(),
        }
    sockets.write(path, json.dumps(found, indent=1) + "\n")


def read(project: Project) -> dict[str, dict[str, Any]]:
    """Return what is written down; nothing if that cannot be read."""
    try:
        found = json.loads((project.sockets / FILE).read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
