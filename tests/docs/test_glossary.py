"""The words that docs/glossary.md has replaced are not used: in prose, in messages, or as names."""

import ast
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from support.command import run
from support.markdown import Page, pages
from support.stack import ROOT

GLOSSARY = Path("docs/glossary.md")
# Comments and messages in these keep to the phrases.
CODE = (".go", ".nix", ".py", ".sh", ".sql", ".toml", ".yaml", "dagnix")
# Other programs' words, data, and this test.
NOT_OURS = re.compile(r"(^|/)(go\.mod|locks/|samples/|testdata/)|^tests/docs/test_glossary\.py$")
# Where a name that is replaced elsewhere is the field's own.
ORDINARY = {
    "claim": re.compile(r"(^|/)(gate/|oidc|auth\.py|accounts\.py)"),  # OpenID Connect's
    "example": re.compile(r"^(pipes|templates|tests|src/dagster_dagnix)/"),  # the job's
}


@dataclass(frozen=True)
class Old:
    """Words that are not used any more, and what is written in their place."""

    phrases: list[str]
    names: list[str]
    new: str


@cache
def old_words() -> list[Old]:
    section = (ROOT / GLOSSARY).read_text().partition("## Words to avoid")[2]
    rows = [line.split("|")[1:4] for line in section.splitlines() if line.startswith("|")][2:]
    return [
        Old(re.findall("`([^`]+)`", phrases), re.findall("`([^`]+)`", names), new.strip())
        for phrases, names, new in rows
    ]


def found_in(text: str) -> list[str]:
    """Return the old phrases in a text, with what to write."""
    text = " ".join(text.split())
    return [
        f"{phrase}: write {old.new}"
        for old in old_words()
        for phrase in old.phrases
        # Not after a hyphen: what a name of an older Dagnix ends with.
        if re.search(rf"(?<!-)\b{phrase}\b", text, re.IGNORECASE)
    ]


def files() -> list[str]:
    words = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = run(words, cwd=ROOT).stdout.splitlines()
    return [
        name
        for name in names
        if name.endswith(CODE) and not NOT_OURS.search(name) and (ROOT / name).is_file()
    ]


def names_in(name: str) -> set[str]:
    """Return the names that a file of code brings: its own, its folders', its functions'."""
    found = {*Path(name).with_suffix("").parts}
    if name.endswith(".py"):
        tree = ast.parse((ROOT / name).read_text())
        defined = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        found |= {each.name for each in ast.walk(tree) if isinstance(each, defined)}
    return found


def test_the_glossary_says_what_is_not_written() -> None:
    assert len(old_words()) > 10
    assert all((old.phrases or old.names) and old.new for old in old_words())
    assert found_in("A former\ncontainer") == ["former: write draining"]
    assert found_in("Performers switch off the light") == []


PROSE = [page for page in pages() if page.path != GLOSSARY] + [
    Page(Path(name))
    for name in (
        "src/gate/README.md",
        "src/entrypoint/README.md",
        "src/dagster_dagnix/README.md",
        "tests/README.md",
    )
]


@pytest.mark.parametrize("page", PROSE, ids=lambda page: str(page.path))
def test_a_page_uses_the_words_of_the_glossary(page: Page) -> None:
    # Code between backquotes is quoted from where it is scanned itself.
    assert found_in(re.sub("`[^`\n]+`", "", page.prose)) == []


@pytest.mark.parametrize("name", files())
def test_comments_and_messages_use_the_words_of_the_glossary(name: str) -> None:
    assert found_in((ROOT / name).read_text()) == []


@pytest.mark.parametrize("old", old_words(), ids=lambda old: old.new)
def test_no_name_is_one_that_was_replaced(old: Old) -> None:
    assert [
        f"{word} in {name}"
        for name in files()
        for word in sorted(names_in(name) & {*old.names})
        if not (word in ORDINARY and ORDINARY[word].search(name))
    ] == []
