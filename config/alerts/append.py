"""A command that gets alerts: `./dagnix alerts set command` with `python append.py`.

It is run once for each alert, which is JSON on its standard input (docs/howto/alerts.md). An exit
code other than 0 means that the alert was not delivered, and is tried again. This one appends a
line to a file in the service's volume.
"""

import json
import sys
from pathlib import Path

alert = json.load(sys.stdin)
with Path("/var/lib/dagster/alerts.txt").open("a") as file:
    print(alert["time"], alert["state"], alert["title"], file=file)
