import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from dagnix import UserError, project
from dagnix.stack import dashboard


@contextmanager
def answering(status: int, text: str) -> Iterator[tuple[int, list[bytes]]]:
    """Yield the port of a server that answers like this, and what it was asked."""
    asked: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port, asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(autouse=True)
def _proxy(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert checkout.is_dir()
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")  # nothing on this host goes through it


def test_asks_and_returns_the_data(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(200, '{"data": {"a": 1}}') as (port, asked):
        monkeypatch.setenv("DAGNIX_PORT", str(port))
        assert dashboard.ask(project.current(), "query", run="x") == {"a": 1}
    assert json.loads(asked[0]) == {"query": "query", "variables": {"run": "x"}}


@pytest.mark.parametrize(
    ("status", "text", "says"),
    [
        (200, '{"errors": [{"message": "no such field"}], "data": null}', "no such field"),
        (200, "<html>", "Expecting value"),
        (200, "[]", r"webserver: \[\]"),
        (502, "", "502"),
    ],
)
def test_says_what_is_wrong_with_the_answer(
    monkeypatch: pytest.MonkeyPatch, status: int, text: str, says: str
) -> None:
    with answering(status, text) as (port, _):
        monkeypatch.setenv("DAGNIX_PORT", str(port))
        here = project.current()
        with pytest.raises(UserError, match=f"^{here.url} does not answer as Dagster's.*{says}"):
            dashboard.ask(here, "query")


def test_says_that_nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGNIX_PORT", "1")
    with pytest.raises(UserError, match="refused"):
        dashboard.ask(project.current(), "query")
