"""Mirrors and port."""

import os
import re
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from dagnix import UserError
from dagnix.doctor.finding import Finding, ok, problem
from dagnix.host.ports import is_port_free
from dagnix.locks import mirrors
from dagnix.process import run

_CREDENTIALS = re.compile(r"//[^@/\s]*@")


def debian() -> Finding:
    """Judge whether a Debian mirror is configured."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            found = mirrors.find(Path(folder))
        except UserError as error:
            return problem("Debian mirror", str(error), f"export {mirrors.OWN_MIRROR}=URL")
    return ok("Debian mirror", _CREDENTIALS.sub("//…@", found.debian))


def pip() -> Finding:
    """Tell which index pip is configured with; credentials are not shown."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    result = run(command, "pip does not answer", check=False, timeout=60)
    if result.returncode:
        return problem("pip", "is not there", "sudo apt-get install python3-pip")
    lines = [line for line in result.output.splitlines() if "index" in line or "links" in line]
    shown = "; ".join(lines) or "its default index (pip config list)"
    return ok("pip", _CREDENTIALS.sub("//…@", shown))


def go() -> Finding:
    """Tell where Go modules come from."""
    return ok("go", _CREDENTIALS.sub("//…@", os.environ.get("GOPROXY") or "its default proxy"))


def port(number: int, *, free: bool, ours: bool) -> Finding:
    """Judge whether the dashboard's port can be had."""
    if free or ours:
        return ok("port", f"{number} is {'free' if free else 'served by a gate'}")
    return problem("port", f"{number} is in use", "export DAGNIX_PORT=3001 (or another free port)")


def is_gate(number: int) -> bool:
    """Tell whether a gate answers on the port: most likely this stack's."""
    try:
        with socket.create_connection(("127.0.0.1", number), timeout=2) as link:
            link.sendall(b"GET /gate/health HTTP/1.0\r\nHost: localhost\r\n\r\n")
            return b"the gate serves" in link.makefile("rb").read(4096)
    except OSError:
        return False


def findings(number: int) -> Iterator[Finding]:
    """Look at mirrors and port."""
    yield debian()
    yield pip()
    yield go()
    free = is_port_free(number)
    yield port(number, free=free, ours=not free and is_gate(number))
