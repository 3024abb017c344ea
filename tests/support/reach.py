"""What of a stack can be reached from where: by trying."""

import json
import sys
from pathlib import Path

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
link.request("GET", "/server_info", headers={{"Host": "localhost"}})
answer = link.getresponse()
print(answer.status, answer.read().decode())
"""


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


def ask(gate: str) -> str:
    """Return Python code that prints what the gate answers who says that he comes from its host."""
    return _ASK.format(host=gate)
