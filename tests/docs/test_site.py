"""The documentation as a site: it builds, its pages and its search need no other host."""

import functools
import http.server
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.browser import Browser
from support.command import run
from support.markdown import Page, pages
from support.network import unchanging
from support.stack import ROOT

SEARCH = """
    const field = document.querySelector('input.md-search__input');
    field.focus(); field.value = 'debian package'; field.dispatchEvent(new Event('input'));
"""
# The results may come one after the other.
FOUND = (
    "[...document.querySelectorAll('.md-search-result__link')]"
    ".some(link => link.href.includes('howto/add-a-dependency.html'))"
)
PAGES = ("index", "architecture", "decisions/index", "reference/commands", "security")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    link = tmp_path_factory.mktemp("site") / "result"
    run(["nix", "build", f"{ROOT}#docs", "--out-link", link])
    return link.resolve()


@pytest.fixture
def address(site: Path) -> Iterator[str]:
    handler = functools.partial(Quiet, directory=str(site))
    with unchanging(), http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


def test_every_page_is_in_the_site(site: Path) -> None:
    """The README is the repository's own first page; the site has another one."""
    paths = {str(page.path) for page in pages()} - {"README.md"}
    outside = {"SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.md"}
    names = {
        path.lower() if path in outside else path.removeprefix("docs/").replace("README", "index")
        for path in paths
    }
    assert [
        name for name in sorted(names) if not (site / name).with_suffix(".html").is_file()
    ] == []


def test_pages_and_search_need_no_other_host(address: str, tmp_path: Path) -> None:
    browser = Browser(tmp_path)
    try:
        for page in PAGES:
            browser.open(f"{address}/{page}.html")
            browser.wait_for("document.querySelector('h1') && document.readyState === 'complete'")
        # What is typed before the index is loaded may find nothing.
        browser.wait_for(f"(() => {{ {SEARCH} return {FOUND}; }})()")
        broken = browser.evaluate("[...document.images].filter(i => !i.naturalWidth).length")
    finally:
        browser.close()
    assert broken == 0
    asked = {url: status for url, status in browser.answers.items() if not url.startswith("data:")}
    assert [url for url in asked if not url.startswith(address)] == []
    assert set(asked.values()) <= {200, 304}


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.path))
def test_what_belongs_to_a_list_is_indented_as_mkdocs_wants_it(page: Page) -> None:
    """By four spaces; with fewer, which GitHub takes, the list ends and begins again at 1."""
    assert re.findall(r"^\n {1,3}\S.*", page.prose, re.MULTILINE) == []
    assert re.findall(r"^ {1,3}```", page.text, re.MULTILINE) == []
