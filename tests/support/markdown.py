"""The pages of the documentation, and the code in them."""

import functools
import re
import textwrap
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from support.command import typed
from support.stack import ROOT

_FENCE = re.compile(r"^( *)```([\w-]*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"(?:^|\s+)#(?:\s.*)?$")
_SPAN = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
# A block of Python code is a file; its first line names it.
_FILE = re.compile(r"# (\S+)\n")


# What tests say of themselves that they run: page and command.
run_by_tests: set[tuple[str, str]] = set()


@dataclass(frozen=True)
class Block:
    """Code between fences; the text has no indentation of its own."""

    language: str
    text: str

    def commands(self) -> Iterator[str]:
        """Yield the lines of sh, those that end in a backslash joined, without their comments."""
        for line in self.text.replace("\\\n", " ").splitlines():
            if command := _COMMENT.sub("", line).strip():
                yield command


@dataclass(frozen=True)
class Page:
    """A Markdown file; `path` starts at the checkout."""

    path: Path

    @cached_property
    def text(self) -> str:
        return (ROOT / self.path).read_text(encoding="utf-8")

    @cached_property
    def blocks(self) -> list[Block]:
        return [
            Block(language, textwrap.dedent(body))
            for _, language, body in _FENCE.findall(self.text)
        ]

    @property
    def prose(self) -> str:
        """The text without its blocks of code."""
        return _FENCE.sub("", self.text)

    def spans(self) -> list[str]:
        """Return the code between backquotes in the prose."""
        return _SPAN.findall(self.prose)

    def links(self) -> list[str]:
        """Return where links and pictures lead."""
        return _LINK.findall(self.prose)

    def anchors(self) -> set[str]:
        """Return the names of the page's headings in addresses, as GitHub and MkDocs make them."""
        heads = re.findall(r"^#+ (.*)$", self.prose, re.MULTILINE)
        return {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}

    def commands(self) -> list[str]:
        """Return the commands that the page tells its reader to run."""
        return [line for each in self.blocks if each.language == "sh" for line in each.commands()]

    def typed(self, command: str, replace: Mapping[str, str]) -> str:
        """Return a command of the page as its reader types it, with names of his own."""
        assert command in self.commands(), f"{self.path} does not show {command}"
        typed.add(command)
        for old, new in replace.items():
            command = command.replace(old, new)
        return command

    def run_by(self, *commands: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
        """Say of a test that it runs these commands of the page; it fails if it does not."""
        assert set(commands) <= set(self.commands()), f"{self.path} does not show all of {commands}"
        run_by_tests.update((str(self.path), each) for each in commands)

        def mark(test: Callable[..., None]) -> Callable[..., None]:
            @functools.wraps(test)
            def checked(*given: object, **named: object) -> None:
                test(*given, **named)
                assert set(commands) <= typed, f"it did not run {set(commands) - typed}"

            return checked

        return mark

    def script(self, leave_out: Collection[str], replace: Mapping[str, str]) -> str:
        """Return an sh script that does what the page says, from its first line to its last.

        Diffs are applied, and blocks of Python code written to the file that they name.
        """
        text = "\n".join(_step(block, leave_out) for block in self.blocks)
        for old, new in replace.items():
            text = text.replace(old, new)
        return text


def _step(block: Block, leave_out: Collection[str]) -> str:
    match block.language:
        case "sh":
            lines = [line for line in block.commands() if line not in leave_out]
            typed.update(lines)
            return "\n".join(lines)
        case "diff":
            return f"git apply --recount - <<'END'\n{block.text}END"
        case "python":
            first = _FILE.match(block.text)
            assert first, f"the first line must name the file: {block.text}"
            return f"cat > {first[1]} <<'END'\n{block.text[first.end() :]}END"
        case _:
            return ""


def pages() -> list[Page]:
    """Return the pages, the README first."""
    at_root = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")
    found = [*(ROOT / name for name in at_root), *sorted((ROOT / "docs").rglob("*.md"))]
    return [Page(path.relative_to(ROOT)) for path in found]
