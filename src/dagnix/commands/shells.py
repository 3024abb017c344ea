"""What shells complete ./dagnix with, made from the declarations of the commands.

A list of words, as nothing has to be asked at a Tab. Ours, as shtab knows no fish, and argcomplete
starts Python, a quarter of a second, at each Tab.
"""

import argparse
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from dagnix import commands


@dataclass(frozen=True)
class Node:
    """A command: its line in lists, the words that may follow, and its own commands by name."""

    summary: str
    words: tuple[str, ...] = ()
    children: Mapping[str, "Node"] = field(default_factory=dict)


def tree() -> Node:
    """Return ./dagnix itself, with all commands."""
    children = {
        name: _node(commands.parser(name), commands.summary(name)) for name in commands.COMMANDS
    }
    return Node("", ("--env", "--help"), children)


def _node(parser: argparse.ArgumentParser, summary: str) -> Node:
    words: list[str] = []
    children: dict[str, Node] = {}
    for action in parser._actions:  # noqa: SLF001 - argparse has no other list of what it takes
        words += action.option_strings
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            lines = {each.dest: each.help or "" for each in action._get_subactions()}  # noqa: SLF001
            children |= {name: _node(each, lines[name]) for name, each in action.choices.items()}
        elif action.choices and not action.option_strings:
            words += map(str, action.choices)
    return Node(summary, tuple(words), children)


def _paths(node: Node, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Node]]:
    yield path, node
    for name, child in node.children.items():
        yield from _paths(child, (*path, name))


def _cases(top: Node) -> str:
    """Return a line of sh for each command: the words that may follow it."""
    lines = []
    for path, node in _paths(top):
        words = shlex.quote(" ".join([*node.children, *node.words]))
        lines.append(f"    {shlex.quote(' '.join(path))}) words={words} ;;")
    return "\n".join(lines[1:])


def bash(top: Node) -> str:
    """Return a script for bash."""
    first = shlex.quote(" ".join([*top.children, *top.words]))
    names = "|".join(name for path, node in _paths(top) for name in node.children)
    return f"""\
_dagnix() {{
    local path= words each
    for each in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
        case $each in {names}) path="${{path:+$path }}$each" ;; esac
    done
    case $path in
    '') words={first} ;;
{_cases(top)}
    esac
    COMPREPLY=($(compgen -W "$words" -- "${{COMP_WORDS[COMP_CWORD]}}"))
}}
complete -o default -F _dagnix dagnix ./dagnix
"""


def zsh(top: Node) -> str:
    """Return a script for zsh."""
    first = shlex.quote(" ".join([*top.children, *top.words]))
    names = "|".join(name for path, node in _paths(top) for name in node.children)
    return f"""\
#compdef dagnix
_dagnix() {{
    local path_= words_ words each
    for each in "${{(@)words[2,CURRENT-1]}}"; do
        case $each in {names}) path_="${{path_:+$path_ }}$each" ;; esac
    done
    case $path_ in
    '') words_={first} ;;
{_cases(top).replace(") words=", ") words_=")}
    esac
    compadd -- ${{=words_}} || _files
}}
compdef _dagnix dagnix ./dagnix
"""


def fish(top: Node) -> str:
    """Return a script for fish."""
    lines = ["complete -c dagnix -e"]
    for path, node in _paths(top):
        seen = " ".join(f"__fish_seen_subcommand_from {name};" for name in path)
        names = " ".join(node.children)
        where = f"{seen} and " if path else ""
        where = where.replace("; __fish", "; and __fish")
        for name, child in node.children.items():
            condition = f"{where}not __fish_seen_subcommand_from {names}"
            said = shlex.quote(child.summary)
            lines.append(f"complete -c dagnix -f -n {shlex.quote(condition)} -a {name} -d {said}")
        for word in node.words:
            condition = seen.replace("; __fish", "; and __fish").rstrip(";")
            when = f" -n {shlex.quote(condition)}" if path else ""
            lines.append(f"complete -c dagnix{when} -a {shlex.quote(word)}")
    return "\n".join(lines) + "\n"


SHELLS = {"bash": bash, "zsh": zsh, "fish": fish}
