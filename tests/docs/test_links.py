"""Links in the documentation lead somewhere."""

import re
from pathlib import Path

import pytest
from support.markdown import Page, pages
from support.stack import ROOT

# What is Markdown and no page of the documentation's own.
OTHERS = [
    Page(Path(name))
    for name in (
        "src/gate/README.md",
        "src/entrypoint/README.md",
        "src/dagster_dagnix/README.md",
        "tests/README.md",
    )
]
LINKS = [
    (page.path, link)
    for page in (*pages(), *OTHERS)
    for link in page.links()
    if not link.startswith("http")
]


@pytest.mark.parametrize(("path", "link"), LINKS)
def test_a_relative_link_leads_to_a_file(path: Path, link: str) -> None:
    name, _, anchor = link.partition("#")
    target = (ROOT / path).parent / name if name else ROOT / path
    assert target.exists()
    assert not anchor or anchor in Page(target.resolve().relative_to(ROOT)).anchors()


def test_every_page_but_the_decisions_is_linked_from_the_readme() -> None:
    linked = {link.partition("#")[0] for path, link in LINKS if str(path) == "README.md"}
    paths = {str(page.path) for page in pages()} - {"README.md", "docs/index.md"}
    decisions = {path for path in paths if re.match(r"docs/decisions/\d", path)}
    assert paths - decisions - linked == set()


def test_the_index_lists_every_decision_by_its_number_and_title() -> None:
    index = Page(Path("docs/decisions/README.md")).text
    listed = re.findall(r"^- \[(\d+)\. (.*)\]\((.*)\)$", index, re.MULTILINE)
    found = [
        (str(int(page.path.name[:4])), page.text.splitlines()[0].removeprefix("# "), page.path.name)
        for page in pages()
        if page.path.parent.name == "decisions" and page.path.name != "README.md"
    ]
    assert sorted(listed) == sorted(found)
    assert sorted(int(number) for number, *_ in found) == list(range(1, len(found) + 1))


def test_the_site_lists_every_page() -> None:
    listed = set(re.findall(r"([\w/.-]+\.md)$", (ROOT / "mkdocs.yml").read_text(), re.MULTILINE))
    inside = {
        str(page.path.relative_to("docs")) for page in pages() if page.path.parts[0] == "docs"
    }
    assert inside - listed == set()
