"""dagster-webserver listens on a port alone, which every user of the host can reach.

uvicorn, which it runs on, could listen on a Unix socket (`--uds`), as the code server can.
"""

import sys

from dagster_webserver.cli import dagster_webserver

options = {option for each in dagster_webserver.params for option in each.opts}
if "--port" not in options:
    sys.exit("This script does not work here: dagster-webserver has no option --port.")
sockets = options & {"--socket", "--uds", "--unix-socket"}
print("Options of dagster-webserver for a Unix socket:", ", ".join(sockets) or "none")
sys.exit(not sockets)
