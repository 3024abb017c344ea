"""The gate of a real stack: what another site's page, or another name, may have a browser do."""

import asyncio
import json
from http import HTTPStatus
from http.client import HTTPConnection
from urllib.parse import quote

import pytest
from support.dashboard import Dashboard
from support.stack import Stack
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from dagnix.project import Project
from dagnix.stack import dashboard

LAUNCH = """mutation { launchRun(executionParams: {selector: {
    repositoryLocationName: "pipes", repositoryName: "__repository__", jobName: "example"
}}) { __typename } }"""
JSON = {"Content-Type": "application/json"}
EVIL = "http://evil.example"
WATCH = "subscription { locationStateChangeEvents { event { eventType } } }"


def send(
    stack: Stack, method: str, path: str, body: str = "", headers: dict[str, str] | None = None
) -> tuple[int, dict[str, str], str]:
    """Return status, headers and text of an answer."""
    connection = HTTPConnection("127.0.0.1", stack.port, timeout=30)
    connection.request(method, path, body or None, headers or {})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, dict(answer.getheaders()), text


def body(query: str) -> str:
    return json.dumps({"query": query})


@pytest.mark.parametrize(
    ("method", "path", "text", "headers"),
    [
        pytest.param("GET", f"/graphql?query={quote(LAUNCH)}", "", {}, id="an image"),
        pytest.param(
            "POST", "/graphql", body(LAUNCH), {"Content-Type": "text/plain; x=application/json"},
            id="a form that claims JSON",
        ),
        pytest.param("POST", "/graphql", body(LAUNCH), {**JSON, "Host": "evil.example"}, id="Host"),
        pytest.param("POST", "/graphql", body(LAUNCH), {**JSON, "Origin": EVIL}, id="Origin"),
        pytest.param(
            "POST", "/graphql", body(LAUNCH), {**JSON, "Sec-Fetch-Site": "cross-site"},
            id="Sec-Fetch-Site",
        ),
    ],
)  # fmt: skip
def test_a_page_of_another_site_launches_nothing(
    stack: Stack, method: str, path: str, text: str, headers: dict[str, str]
) -> None:
    before = Dashboard(stack.port).runs().keys()
    status, _, said = send(stack, method, path, text, headers)
    assert said.startswith("Refused: ")
    assert HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR
    assert Dashboard(stack.port).runs().keys() == before


def test_a_page_of_another_site_reads_and_frames_nothing(stack: Stack) -> None:
    status, _, said = send(stack, "GET", "/server_info", headers={"Host": "evil.example"})
    assert (status, "dagster" in said) == (HTTPStatus.FORBIDDEN, False)
    status, headers, _ = send(stack, "GET", "/runs")
    assert status == HTTPStatus.OK
    assert headers["X-Frame-Options"] == "SAMEORIGIN"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"


async def watch(stack: Stack, origin: str, query: str) -> None:
    address = f"ws://127.0.0.1:{stack.port}/graphql"
    async with connect(address, subprotocols=["graphql-ws"], origin=origin) as link:
        await link.send('{"type": "connection_init", "payload": {}}')
        assert json.loads(await link.recv()) == {"type": "connection_ack"}
        start = {"id": "1", "type": "start", "payload": {"query": query}}
        await link.send(json.dumps(start))
        # An answer that Dagster gives only after it has heard all that came before it.
        await link.send('{"type": "connection_init", "payload": {}}')
        assert json.loads(await link.recv()) == {"type": "connection_ack"}


def test_websockets_are_for_its_own_pages_and_subscriptions(stack: Stack) -> None:
    asyncio.run(watch(stack, stack.url, WATCH))
    with pytest.raises(InvalidStatus, match="403"):
        asyncio.run(watch(stack, EVIL, WATCH))
    with pytest.raises(ConnectionClosed, match="only subscriptions come by WebSocket"):
        asyncio.run(watch(stack, stack.url, "mutation { reloadWorkspace { __typename } }"))


def test_a_login_is_set_up_and_taken_away_while_the_stack_runs(stack: Stack) -> None:
    password = "correct horse battery"
    query = ("POST", "/graphql", body("{ version }"), JSON)
    assert send(stack, *query)[0] == HTTPStatus.OK
    stack.dagnix("auth", "add", "anna", "--role", "viewer", stdin=password)
    try:
        assert send(stack, *query)[0] == HTTPStatus.UNAUTHORIZED
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        said = send(stack, "POST", "/gate/login", f"user=anna&password={quote(password)}", form)
        cookie = {"Cookie": said[1]["Set-Cookie"].partition(";")[0]}
        # A session outlives the gate.
        stack.dagnix("restart", "gate")
        assert send(stack, *query[:3], {**JSON, **cookie})[0] == HTTPStatus.OK
        refused = send(stack, "POST", "/graphql", body(LAUNCH), {**JSON, **cookie})
        assert refused[0] == HTTPStatus.FORBIDDEN
        assert "launchRun needs the role operator, and anna is viewer" in refused[2]
        # The command line goes on, as an admin, and each line of the audit tells who it was.
        here = Project(stack.checkout, stack.environment)
        dashboard.cancel(here, "no-such-run")
    finally:
        stack.dagnix("auth", "off")
    assert send(stack, *query)[0] == HTTPStatus.OK
    lines = [
        line for line in stack.dagnix("logs", "gate").stdout.splitlines() if '"change"' in line
    ]
    said = [json.loads(line[line.index("{") :]) for line in lines]
    assert {"anna", "./dagnix"} <= {each["who"] for each in said}
