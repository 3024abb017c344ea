"""Links in the documentation lead somewhere."""

import pytest
from support.markdown import pages
from support.stack import ROOT

LINKS = [
    (page.path, link) for page in pages() for link in page.links() if not link.startswith("http")
]


@pytest.mark.parametrize(("path", "link"), LINKS)
def test_a_relative_link_leads_to_a_file(path: str, link: str) -> None:
    assert (ROOT / path).parent.joinpath(link).exists()


def test_every_howto_is_linked_from_the_readme() -> None:
    howtos = {str(page.path) for page in pages() if page.path.parent.name == "howto"}
    assert howtos == {link for path, link in LINKS if str(path) == "README.md"} & howtos
