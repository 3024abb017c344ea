"""What the documentation says agrees with the code."""

import ast
import json
import re
import runpy
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import pytest
from support.command import run
from support.markdown import Page, pages
from support.stack import ROOT

PAGES = {str(page.path): page for page in pages()}
README = PAGES["README.md"]
ENVIRONMENT = "docs/reference/environment.md"
REFERENCE = SimpleNamespace(**runpy.run_path(str(ROOT / "docs/_site/reference.py")))
# Figures in the README's paragraph, as it writes them.
IN_THE_README = {
    "edit to served, deploy": "{:.1f} s",
    "100 runs, as configured, runs in a minute": "{:.0f}",
    "launch to first op": "{:.1f} s",
    "idle CPU, whole stack": "{:.1f} %",
}
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
    "DAGNIX_CODE_SERVER_PORT",
    "DAGNIX_LOG_SOCKET",
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


def test_the_reference_lists_every_environment_variable_of_the_code() -> None:
    code = "\n".join(sources(*CODE))
    found = set(re.findall(r"\bDAGNIX_[A-Z_]+[A-Z]\b", code))
    used = {name for name in found - INTERNAL if not name.startswith(INTERNAL_PREFIX)}
    rows = re.findall(r"^\| `(DAGNIX_\w+)` \|", PAGES[ENVIRONMENT].text, re.MULTILINE)
    assert sorted(rows) == sorted(used)


def test_a_default_of_compose_is_said_nowhere_else() -> None:
    """Else one of the two could be forgotten; the tag's is the content of a file."""
    said = [
        name
        for group in tomllib.loads((ROOT / "docs/_site/reference.toml").read_text())["group"]
        for name, entry in group["variables"].items()
        if "default" in entry
    ]
    assert [name for name in said if REFERENCE.compose_defaults().get(name)] == ["DAGNIX_VERSION"]


@pytest.mark.parametrize("name", REFERENCE.GENERATORS)
def test_the_reference_is_up_to_date(name: str) -> None:
    written = PAGES[f"docs/reference/{name}"].text
    assert written == REFERENCE.GENERATORS[name](), "run python docs/_site/reference.py"


def test_the_reference_explains_every_key_of_tool_dagnix() -> None:
    code = "\n".join(sources("src/dagnix", "nix"))
    tool = tomllib.loads((ROOT / "docs/_site/reference.toml").read_text())["tool"]
    files = [ROOT / "pyproject.toml", *ROOT.glob("**/pipes/pyproject.toml")]
    used = {
        key for file in files for key in tomllib.loads(file.read_text())["tool"].get("dagnix", {})
    }
    assert used <= tool.keys()
    assert [key for key in tool if key not in code] == []


def test_the_readme_fits_on_a_few_screens() -> None:
    assert len(README.text.splitlines()) < 150


def test_the_readme_has_the_newest_benchmark_results() -> None:
    groups = json.loads((ROOT / "bench/results.json").read_text())["groups"]
    figures = {each["name"]: each for group in groups.values() for each in group["figures"]}
    text = " ".join(README.text.partition("## Benchmarks")[2].partition("\n## ")[0].split())
    for name, form in IN_THE_README.items():
        values = figures[name]["value"], figures[name]["other"]["value"]
        assert all(form.format(value) in text for value in values), name


def test_the_support_matrix_names_what_is_locked_and_asked_for() -> None:
    text = PAGES["docs/reference/support.md"].text
    locked = json.loads((ROOT / "nix/locks/python.json").read_text())["packages"]["x86_64-linux"]
    debian = tomllib.loads((ROOT / "nix/debian.toml").read_text())
    package = tomllib.loads((ROOT / "src/dagster_dagnix/pyproject.toml").read_text())
    oldest = re.search(r"dagster>=([\d.]+)", " ".join(package["project"]["dependencies"]))
    assert oldest
    tested = f"{oldest[1]} and {locked['dagster']['version']}"
    compose = locked["podman-compose"]["version"].rpartition(".")[0]
    suites = {debian["suite"], *(each.get("suite") for each in debian["pythons"].values())} - {None}
    for said in (tested, f"podman-compose | {compose},", *suites, *debian["pythons"]):
        assert said in text


PLACES = r"(?:bench|config|docs|nix|pipes|src|templates|tests)/[\w./-]+"


@pytest.mark.parametrize(
    ("page", "path"),
    sorted(
        {
            (name, span)
            for name, page in PAGES.items()
            for span in page.spans()
            if re.fullmatch(PLACES, span)
        }
    ),
)
def test_a_path_that_is_named_is_there(page: str, path: str) -> None:
    there = ROOT / path
    made_by_users = ("nix/locks/locations", "nix/locks/pythons", "config/apt", "bench/chart.png")
    if not path.startswith((*made_by_users, "config/env/NAME")):
        assert there.exists() or (ROOT / Path(page).parent / path).exists()


def test_the_health_check_that_is_shown_is_the_one_in_the_code() -> None:
    shown = PAGES["docs/howto/add-a-health-check.md"].blocks[0].text
    known = any(shown in text for text in sources("src/entrypoint"))
    assert known, "docs/howto/add-a-health-check.md shows another `webserver` than webserver.go has"


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
