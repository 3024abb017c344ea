"""The gate's connections to the webserver, against the server that the webserver runs on."""

import inspect
import re

import uvicorn
from support.stack import ROOT

PROXY = ROOT / "src/gate/internal/proxy/proxy.go"


def test_the_gate_lets_go_of_a_connection_before_the_webserver_does() -> None:
    kept = re.search(r"idleSeconds = (\d+)\n", PROXY.read_text())
    assert kept
    assert int(kept[1]) < inspect.signature(uvicorn.Config).parameters["timeout_keep_alive"].default
