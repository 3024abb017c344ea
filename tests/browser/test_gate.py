"""The dashboard in a real browser, through the gate, with a login, over TLS and below a prefix."""

import datetime as dt
import ssl
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
from support.browser import Browser
from support.command import run, wait_until
from support.gate import Gate, gate, program, users, webserver
from support.network import unchanging

from dagnix.status.report import certificate_ends
from dagnix.status.services import Row

PREFIX = "/dagster"
PASSWORD = "correct horse battery"
PAGES = {
    "/overview": "Overview",
    "/runs": "Runs",
    "/assets": "table",
    "/locations": "definitions.py",
    "/locations/definitions.py/jobs/question": "answer",
    "/automation": "question_schedule",
}
LINKS = "[...document.querySelectorAll('a[href]')].map(link => link.href)"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    folder = tmp_path_factory.mktemp("gate")
    users(folder / "gate-secrets", PASSWORD, "admin")
    settings = {"DAGNIX_TLS": "own", "DAGNIX_PATH_PREFIX": PREFIX}
    with (
        unchanging(),
        webserver(folder, PREFIX) as upstream,
        gate(folder, upstream, **settings) as made,
    ):
        yield made


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    made = Browser(tmp_path)
    yield made
    made.close()


def test_every_asset_link_and_websocket_comes_through(served: Gate, browser: Browser) -> None:
    browser.open(f"{served.url}/runs")
    browser.wait_for("document.querySelector('input[name=password]') !== null")
    browser.evaluate(f"""
        document.querySelector('input[name=user]').value = 'admin';
        document.querySelector('input[name=password]').value = '{PASSWORD}';
        document.querySelector('button').click();
    """)
    browser.wait_for(
        "location.pathname === '/dagster/runs' && document.querySelector('a[href]') !== null"
    )
    links: set[str] = set()
    for page, shows in PAGES.items():
        browser.open(served.url + page)
        browser.wait_for(f"document.body.innerText.includes('{shows}')")
        links |= set(browser.evaluate(LINKS))
    # Chromium tells of what it loads before it answers.
    wait_until(lambda: browser.evaluate("true") and browser.sockets, "a WebSocket is open")
    own = [link for link in links if urlsplit(link).hostname == "localhost"]
    assert len(own) > 10
    assert [link for link in own if not link.startswith(f"{served.url}/")] == []
    loaded = {
        url: status
        for url, status in browser.answers.items()
        if not url.startswith(("data:", "blob:"))
    }
    assert len(loaded) > 20
    assert [url for url in loaded if not url.startswith(f"{served.url}/")] == []
    assert {url: each for url, each in loaded.items() if each not in {200, 303, 304}} == {}
    here = urlsplit(served.url).netloc
    assert browser.sockets == {f"wss://{here}{PREFIX}/graphql": 101}


def test_its_certificate_is_one_of_its_own_authority(served: Gate) -> None:
    state = served.secrets.with_name("gate-state")
    authority = run([program(), "authority"], env={"GATE_STATE": str(state)}).stdout
    trusted = ssl.create_default_context(cadata=authority)
    address = served.url.removesuffix(PREFIX) + "/gate/health"
    with urlopen(address, context=trusted) as answer:  # noqa: S310 - HTTPS
        assert answer.read() == b"the gate serves\n"


def test_its_health_check_tells_when_the_certificate_ends(served: Gate) -> None:
    port = urlsplit(served.url).port
    own = {"GATE_LISTEN": f"127.0.0.1:{port}", "DAGNIX_TLS": "own", "DAGNIX_PATH_PREFIX": PREFIX}
    said = run([program(), "health"], env=own).stdout
    row = Row("gate", "running", healthy=True, says=said, image="", digest="", uptime=1, restarts=0)
    ends = certificate_ends([row])
    assert ends
    left = dt.datetime.fromisoformat(ends) - dt.datetime.now(dt.UTC)
    assert dt.timedelta(days=80) < left < dt.timedelta(days=91)
