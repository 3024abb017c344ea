import itertools

import pytest

from dagnix.deploy import history

NUMBERS = itertools.count()


def entries(line: str) -> list[history.Entry]:
    """Return deploys of images that are named by letters; `<` before one is a rollback to it."""
    found, how = [], "deploy"
    for letter in line:
        if letter == "<":
            how = history.ROLLBACK
            continue
        found.append(history.Entry(str(next(NUMBERS)), how, letter, "", "", None))
        how = "deploy"
    return found


@pytest.mark.parametrize(
    ("line", "before"),
    [
        ("", None),
        ("a", None),
        ("ab", "a"),
        ("abc", "b"),
        ("abc<b", "a"),
        ("abc<b<a", None),
        ("abc<bd", "b"),
        ("abb", "a"),
        ("aba", "b"),
        ("<a", None),
    ],
)
def test_a_rollback_goes_back_along_the_line_of_deploys(line: str, before: str | None) -> None:
    found = history.before(entries(line))
    assert (found and found.image) == before
