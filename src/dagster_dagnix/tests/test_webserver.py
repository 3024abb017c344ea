"""The web interface on a Unix socket, where dagster-webserver is installed."""

import http.client
import json
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from harness import World, until

from dagster_dagnix.prune.times import pruned_at

pytest.importorskip("dagster_webserver")
pytest.importorskip("prometheus_client")


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost")
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(str(self.path))


def get(path: Path, url: str) -> str:
    connection = UnixConnection(path)
    connection.request("GET", url)
    return connection.getresponse().read().decode()


def test_it_is_served_on_a_socket_under_its_prefix_and_prunes(world: World, tmp_path: Path) -> None:
    path = world.home / "web.sock"
    (tmp_path / "workspace.yaml").write_text("load_from: []\n")
    log = tmp_path / "log"
    words = ["--socket", str(path), "--path-prefix", "/dagster", "-w", tmp_path / "workspace.yaml"]
    server = subprocess.Popen(
        [sys.executable, "-m", "dagster_dagnix.webserver", *words],
        env={**world.environment, "DAGNIX_PRUNE_SECONDS": "0.1"},
        stdout=log.open("w"),
        stderr=subprocess.STDOUT,
    )

    def listens() -> bool:
        assert server.poll() is None, log.read_text()
        return path.exists()

    try:
        until(listens, log)
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        assert "dagster_version" in json.loads(get(path, "/dagster/server_info"))
        assert "\ndagster_active_runs" in get(path, "/dagster/metrics").replace("# TYPE ", "")
        until(lambda: pruned_at(world.instance), log)
        server.terminate()
        assert server.wait(120) == 0, log.read_text()
    finally:
        server.kill()
        server.wait()
    assert not path.exists()
