"""What the documentation says agrees with the code."""

import ast
import json
import re
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from support.command import run
from support.markdown import Page, pages
from support.stack import ROOT

PAGES = {str(page.path): page for page in pages()}
README = PAGES["README.md"]
TEMPLATE = ROOT / "templates" / "project"
VERSION = (ROOT / "VERSION").read_text().strip()
OWN = ("src/dagnix", "src/entrypoint", "src/gate")
CODE = ("dagnix", "bench", "nix", *OWN, "pipes/src", "config", "*.yaml")
# Handed on within the project, or for its tests: not for people to set.
INTERNAL = {
    "DAGNIX_ROOT",
    "DAGNIX_SOURCE",
    "DAGNIX_USER_NIX_CONFIG",
    "DAGNIX_PIPES_SNAPSHOTS",
    "DAGNIX_PROGRAM",
    "DAGNIX_FILES_DIR",
    "DAGNIX_WORKSPACE_READ",
}
INTERNAL_PREFIX = "DAGNIX_PG_"


def sources(*patterns: str) -> list[str]:
    """The text of the checkout's files under these patterns, without tests."""
    words = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = run([*words, "--", *patterns], cwd=ROOT).stdout.splitlines()
    files = [ROOT / name for name in names if not re.search(r"(^|/)tests?/|_test\.go|\.csv$", name)]
    return [file.read_text() for file in files if file.is_file()]


def test_the_tag_of_the_images_is_the_version_wherever_it_stands() -> None:
    compose = [
        found
        for file in ROOT.glob("compose*.yaml")
        for found in re.findall(r"image: localhost/dagnix/\w+:(\S+)", file.read_text())
    ]
    assert set(compose) == {f"${{DAGNIX_VERSION:-{VERSION}}}"}
    in_docs = [
        found
        for page in PAGES.values()
        for found in re.findall(r"localhost/dagnix/\w+:([\w.-]+)", page.text)
    ]
    assert set(in_docs) == {VERSION}


def test_the_files_on_the_page_about_dbt_are_those_that_are_tested() -> None:
    folder = ROOT / "tests/projects/dbt"
    shown = {block.text for block in PAGES["docs/howto/dbt.md"].blocks}
    for name in ("pyproject.toml", "definitions.py", "dbt/dbt_project.yml", "dbt/profiles.yml"):
        assert (folder / name).read_text() in shown, name


def test_the_readme_names_the_versions_that_are_locked() -> None:
    python = json.loads((ROOT / "nix/locks/python.json").read_text())
    debian = tomllib.loads((ROOT / "nix/debian.toml").read_text())
    dagster = python["packages"]["x86_64-linux"]["dagster"]["version"]
    said = re.search(r"Debian (\w+), Python ([\d.]+), Dagster ([\d.]+) ", README.text)
    assert said
    assert said.groups() == (debian["suite"], python["python"], dagster.rpartition(".")[0])


def test_the_page_about_upstream_names_the_versions_that_are_locked() -> None:
    locked = json.loads((ROOT / "nix/locks/python.json").read_text())["packages"]["x86_64-linux"]
    names = {
        "Dagster": "dagster",
        "gRPC": "grpcio",
        "podman-compose": "podman-compose",
        "pip": "pip",
    }
    seen = [f"{name} {locked[package]['version']}" for name, package in names.items()]
    text = " ".join(PAGES["docs/upstream.md"].text.split())
    assert f"Seen with {', '.join(seen[:-1])} and {seen[-1]}." in text


def test_the_readme_of_the_package_names_the_version_that_is_locked() -> None:
    locked = json.loads((ROOT / "nix/locks/python.json").read_text())["packages"]["x86_64-linux"]
    text = (ROOT / "src/dagster_dagnix/README.md").read_text()
    checked = re.search(r"Checked with Dagster [\d.]+, ([\d.]+) ", text)
    assert checked
    assert checked[1] == locked["dagster"]["version"]


def test_the_readme_lists_every_environment_variable_of_the_code() -> None:
    code = "\n".join(sources(*CODE))
    found = set(re.findall(r"\bDAGNIX_[A-Z_]+[A-Z]\b", code))
    used = {name for name in found - INTERNAL if not name.startswith(INTERNAL_PREFIX)}
    rows = [line for line in README.text.splitlines() if line.startswith("| `")]
    listed = {name for row in rows for name in re.findall(r"DAGNIX_[A-Z_]+", row.split("|")[1])}
    assert listed == used


def test_the_readme_gives_the_defaults_of_compose() -> None:
    compose = (ROOT / "compose.yaml").read_text() + (ROOT / "compose.mount.yaml").read_text()
    rows = re.findall(r"^\| (`DAGNIX_.*?) \| `([^`]+)` \|", README.text, re.MULTILINE)
    listed = {name: default for row, default in rows for name in re.findall(r"DAGNIX_\w+", row)}
    defaults = dict(re.findall(r"\$\{(DAGNIX_\w+):-([^}]+)\}", compose))
    assert listed.items() >= {n: d for n, d in defaults.items() if n != "DAGNIX_VERSION"}.items()


def test_the_template_has_the_files_of_dagnix_that_a_project_owns() -> None:
    code = ("pipes/src/pipes/definitions.py", "pipes/src/pipes/defs/executor.py")
    patterns = ("VERSION", "compose*.yaml", "config/**/*", *code)
    files = {
        path.relative_to(ROOT)
        for pattern in patterns
        for path in ROOT.glob(pattern)
        if path.is_file()
    }
    other = [
        str(path)
        for path in sorted(files)
        if not (TEMPLATE / path).is_file()
        or (TEMPLATE / path).read_bytes() != (ROOT / path).read_bytes()
    ]
    assert other == [], "copy them to templates/project/"
    config = {path for path in TEMPLATE.glob("config/**/*") if path.is_file()}
    assert {path.relative_to(TEMPLATE) for path in config} <= files


@pytest.mark.parametrize(
    "folder", [ROOT / "pipes", TEMPLATE / "pipes"], ids=["example", "template"]
)
def test_the_code_loads_without_dagnix(folder: Path) -> None:
    """It may name what Dagnix adds to Dagster in words, but not import or require it."""
    imported = {
        name
        for path in folder.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        for name in (
            [each.name for each in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert "dagster" in imported
    required = tomllib.loads((folder / "pyproject.toml").read_text())["project"]["dependencies"]
    assert not [each for each in (*imported, *required) if "dagnix" in each]


def test_the_dev_shell_of_a_project_finds_its_code_as_dagnixs_does() -> None:
    here, pipes, there = (
        tomllib.loads((folder / "pyproject.toml").read_text())["tool"]["dagster"]
        for folder in (ROOT, TEMPLATE / "pipes", TEMPLATE)
    )
    assert here == pipes == there


def test_every_argument_of_mkstack_is_described() -> None:
    words = ["nix", "eval", "--json", f"{ROOT}#lib.mkStack", "--apply", "builtins.functionArgs"]
    arguments = json.loads(run(words).stdout)
    section = PAGES["docs/mkstack.md"].text.partition("## Arguments")[2].partition("##")[0]
    rows = re.findall(r"^\| `(\w+)` \| (.*?)\| ", section, re.MULTILINE)
    assert {name: bool(default.strip()) for name, default in rows} == arguments


@cache
def help_of(command: str) -> str:
    # Not ./dagnix, whose own short help is all that there is before the first build.
    words = [sys.executable, "-m", "dagnix", *command.split(), "--help"]
    return run(words, env={"COLUMNS": "200", "PYTHONPATH": str(ROOT / "src")}).stdout


def mentions() -> Iterator[tuple[str, str]]:
    """Yield each `./dagnix` command in prose and code, with the page that it stands on."""
    for name, page in PAGES.items():
        for text in (*page.spans(), *page.commands()):
            if found := re.search(r"\./dagnix( [a-z]+.*)", text):
                yield name, found[1].strip()


@pytest.mark.parametrize(("page", "words"), sorted(set(mentions())))
def test_a_command_that_is_mentioned_exists_with_its_options(page: str, words: str) -> None:
    command, *arguments = words.strip('"$()').split()
    assert re.search(rf"\b{command}\b", help_of(""))
    # With what may be the command of a group: `auth add`.
    shown = help_of(" ".join([command, *(each for each in arguments[:1] if each.isalpha())]))
    unknown = [
        each
        for each in arguments
        if each.startswith("-") and each != "--help" and each not in shown
    ]
    assert unknown == [], page


def messages(page: Page) -> list[str]:
    """Return the code in the first column of the page's tables."""
    rows = [line for line in page.text.splitlines() if line.startswith("| `")]
    return [message for row in rows for message in re.findall(r"`([^`]+)`", row.split("|")[1])]


@pytest.mark.parametrize("message", messages(PAGES["docs/howto/when-something-fails.md"]))
def test_a_message_that_is_explained_is_one_of_the_code(message: str) -> None:
    assert any(message in text for text in sources(*CODE))


def test_each_fault_names_a_test_that_is_there() -> None:
    rows = [line for line in PAGES["docs/faults.md"].text.splitlines() if line.startswith("| ")]
    named = re.findall(r"`([\w/.]+)::(\w+)` \|$", "\n".join(rows), re.MULTILINE)
    assert len(named) == len(rows) - 2  # the table's head
    for file, test in named:
        assert re.search(rf"^(def|func) {test}\(", (ROOT / file).read_text(), re.MULTILINE), test
