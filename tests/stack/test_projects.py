"""The projects of tests/projects come up by the commands of the docs, and their runs succeed."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from dagster import DagsterRunStatus
from support import projects
from support.command import run
from support.index import BUILT_WITH_SETUPTOOLS, serving
from support.markdown import Page
from support.served import Served

# Without dg's own: that is what pipes/ is.
FOLDERS = [case["name"] for case in projects.CASES if "files" not in case and case["name"] != "dg"]
PACKAGES = 120
SETUP = "from setuptools import setup\nsetup(name='tiny', version='1.0', py_modules=['tiny'])\n"
NAME = "many"
(OWN,) = (
    block.text
    for block in Page(Path("docs/howto/secrets-and-settings.md")).blocks
    if block.text.startswith("services:")
)


def empty(folder: Path) -> None:
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def test_projects_come_up_and_run(mounted: Served) -> None:
    # Each in the place of the one before: `up --mount` for each would start five containers.
    dashboard = mounted.team.dashboard
    for name in FOLDERS:
        empty(mounted.folder)
        shutil.copytree(projects.FOLDER / name, mounted.folder, dirs_exist_ok=True)
        mounted.stack.dagnix("reload")
        dashboard.wait_for_job(f"from_{name}")
        _, status = dashboard.run(f"from_{name}")
        assert status is DagsterRunStatus.SUCCESS, name
    empty(mounted.folder)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The variables for an index with the packages of `many_packages`."""
    with serving(tmp_path / "served") as (made, variables):
        names = [f"package-with-a-long-name-{number}" for number in range(PACKAGES)]
        for name in names:
            made.add(name, "1.0")
        made.add("many", "1.0", tuple(names))
        made.add("library", "1.0")
        made.add_source("library", "2.0")
        files = {"setup.py": SETUP, "tiny.py": "ANSWER = 42\n"}
        made.add_source("tiny", "1.0", BUILT_WITH_SETUPTOOLS | files)
        yield variables


@pytest.fixture
def team(baked: Served) -> Iterator[Path]:
    """The folder of another team on the stack, whose files go with the test."""
    stack = baked.stack
    settings = stack.checkout / "config/settings/default.toml"
    before = settings.read_text()
    yield stack.checkout / "locations" / NAME
    baked.stack.dagnix("location", "remove", NAME, check=False)
    stack.podman("secret", "rm", stack.project, check=False)
    settings.write_text(before)
    for name in ("compose.own.yaml", "own.env"):
        (stack.checkout / name).unlink(missing_ok=True)
    shutil.rmtree(stack.checkout / "locations")


def answer(served: Served, name: str) -> dict[str, object]:
    """Return the answer of the job of a project, which succeeds."""
    job = f"from_{name}"
    served.team.dashboard.wait_for_job(job)
    return json.loads(served.team.answer(job, served.client.submit_job_execution(job)))


def test_many_packages_and_a_source_archive_and_then_secrets_and_settings(
    baked: Served, team: Path, index: dict[str, str]
) -> None:
    stack = baked.stack
    shutil.copytree(projects.FOLDER / "many_packages", team)
    shutil.copytree(projects.FOLDER / "shared_code", team.with_name("shared_code"))
    for secret in (".env", "own.txt"):
        (team / secret).write_text("hush")
    added = stack.dagnix("location", "add", NAME, **index)
    assert "library stays at 1.0: 2.0 has no wheel" in added.stderr
    files = [".gitignore", "definitions.py", "pyproject.toml"]
    assert answer(baked, "many_packages") == {
        "packages": PACKAGES,
        "tiny": 42,
        "shared_code": "of the same repository",
        "library": "1.0",
        "files": files,
    }
    known = run(["git", "ls-files", "."], cwd=team).stdout.split()
    assert sorted(known) == files

    shutil.copytree(projects.FOLDER / "secrets_and_settings", team, dirs_exist_ok=True)
    stack.dagnix("secret", "set", "API_KEY", "--location", NAME, stdin="of dagnix")
    settings = stack.checkout / "config/settings/default.toml"
    settings.write_text(f'[{NAME}]\nGREETING = "hello"\n')
    stack.podman("secret", "create", stack.project, "-", stdin="of podman")
    (stack.checkout / "own.env").write_text("OWN=of a file\n")
    own = OWN.replace("pipes:", f"{NAME}:").replace("api-key", stack.project)
    (stack.checkout / "compose.own.yaml").write_text(own.replace("API_KEY", "PODMANS_KEY"))
    stack.dagnix("deploy", NAME, COMPOSE_FILE="compose.yaml:compose.own.yaml")
    assert answer(baked, "secrets_and_settings") == {
        "secret": "of dagnix",
        "file": "of dagnix",
        "setting": "hello",
        "podman's secret": "of podman",
        "env_file": "of a file",
    }
