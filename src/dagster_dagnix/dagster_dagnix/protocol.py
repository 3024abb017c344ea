"""What is said to a run server: a line of JSON each way over a Unix socket, one a connection.

The names in a location's folder of sockets stand here too, as launcher and server share them. This
module has the standard library only.
"""

import json
import re
import socket
from pathlib import Path
from typing import Any, NamedTuple

CODE_LINK, RUN_LINK, LOCK = "code.sock", "run.sock", "lock"
RUN_SERVER_TAG = "dagnix/run_server"
MEMORY_TAG, MEMORY_VARIABLE = "dagnix/memory", "DAGNIX_RUN_MEMORY"
RUN_SERVER_VARIABLE = "DAGNIX_RUN_SERVER"
CHUNK_BYTES = 1 << 16
SECONDS = 5.0

_RUN_SOCKET = re.compile(r"run-(?P<host>.+)-(?P<boot>[0-9a-f]{12})\.sock")


class RunServer(NamedTuple):
    """Which run server a socket is of: a container's host name and one start of a server in it."""

    host: str
    boot: str

    @property
    def socket(self) -> str:
        """The name of the socket that it takes requests at."""
        return f"run-{self.host}-{self.boot}.sock"

    def code_socket(self, number: int) -> str:
        """Return the name of the socket of its code server of this number."""
        return f"code-{self.host}-{self.boot}-{number}.sock"

    @classmethod
    def parse(cls, name: str) -> "RunServer | None":
        """Return whose socket has this name, or None for another kind of name."""
        found = _RUN_SOCKET.fullmatch(name)
        return cls(found["host"], found["boot"]) if found else None


def folder_of(sockets: str, location: str) -> Path:
    """Return the folder with a code location's sockets.

    Raises ValueError for a name that no folder can have.
    """
    if "/" in location or location in ("", ".", ".."):
        raise ValueError(
            f"The code location {location!r} cannot have a folder of its name under {sockets}: "
            "give it a name without slashes."
        )
    return Path(sockets) / location


def ask(path: Path, do: str, seconds: float = SECONDS, **details: Any) -> dict[str, Any]:
    """Send a request to the run server that listens at `path`, and return its answer.

    Raises FileNotFoundError when there is no socket, ConnectionRefusedError when nobody listens
    behind it, and another OSError, such as TimeoutError, when the server does not answer.
    """
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(seconds)
        connection.connect(str(path))
        connection.sendall(json.dumps({"do": do, **details}).encode() + b"\n")
        text = b""
        while not text.endswith(b"\n"):
            part = connection.recv(CHUNK_BYTES)
            if not part:
                raise ConnectionResetError(f"the run server at {path} ended the connection")
            text += part
    return json.loads(text)


def tell(path: Path, do: str) -> None:
    """Send a request to a run server without waiting for anything. Raises OSError."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.setblocking(False)
        connection.connect(str(path))
        connection.sendall(json.dumps({"do": do}).encode() + b"\n")


def listens(path: Path) -> bool:
    """Tell whether somebody listens behind a socket, without waiting."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.setblocking(False)
        try:
            connection.connect(str(path))
        except BlockingIOError:  # so many wait to be accepted that there is no room for another
            return True
        except OSError:
            return False
        return True
