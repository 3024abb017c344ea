"""The README's example, as it stands there, and what it says of Dagster's names."""

import ast
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from dagster import DagsterInstance, DagsterRunStatus
from harness import PACKAGE, fields, until
from sqlalchemy import text

from dagster_dagnix.storage import engine, url

README = (PACKAGE / "README.md").read_text()
PRIVATE = PACKAGE / "dagster_dagnix/private.py"
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(database: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The README's folder, with its files. Its path is short, as a socket's has to be."""
    made = Path(tempfile.mkdtemp(prefix="dagnix-"))
    other = url({"postgres_db": fields(database, "dagster")})
    with engine(other).connect() as connection:
        connection.execute(text(f"CREATE DATABASE readme_{os.getpid()}"))
    for language, block in BLOCKS:
        if language != "sh":
            name = block.split("\n", 1)[0].removeprefix("# ")
            (made / name).write_text(block)
    path = [str(PACKAGE), os.environ.get("PYTHONPATH", "")]
    for name, value in {
        "DAGSTER_PG_HOST": str(database),
        "DAGSTER_PG_DB": f"readme_{os.getpid()}",
        "DAGSTER_PG_PASSWORD": "none",
        "DAGSTER_SOCKETS": str(made / "sockets"),
        "DAGSTER_HOME": str(made),
        "PYTHONPATH": os.pathsep.join(filter(None, path)),
        # `python` and `dagster` are those that run this.
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }.items():
        monkeypatch.setenv(name, value)
    yield made
    shutil.rmtree(made)


def test_the_example_is_run(folder: Path) -> None:
    install, start = (block for language, block in BLOCKS if language == "sh")
    assert install == "pip install ./src/dagster_dagnix\n"
    # What was started in the background is ended when there is nothing more to read.
    shell = subprocess.Popen(
        ["bash", "-c", f"set -eu\ntrap 'kill $(jobs -p); wait' EXIT\n{start}cat"],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=(folder / "log").open("w"),
        stderr=subprocess.STDOUT,
    )
    try:
        with DagsterInstance.get() as instance:

            def finished() -> list:
                assert shell.poll() is None, (folder / "log").read_text()
                return [run for run in instance.get_runs() if run.is_finished]

            (run,) = until(finished, folder / "log")

            def said() -> str:
                return "\n".join(each.message for each in instance.all_logs(run.run_id))

            # The launcher's word may come after the run's last one.
            until(lambda: "The run server run-" in said(), said())
            assert run.status is DagsterRunStatus.SUCCESS, said()
            assert "ForkedStepHandler" in said()
    finally:
        shell.communicate()


def test_the_names_that_dagster_promises_to_nobody_are_listed() -> None:
    rows = re.findall(
        r"^\| (`.*?) \|", README.partition("## Private parts of Dagster")[2], re.MULTILINE
    )
    listed = {name.rpartition(".")[2] for row in rows for name in re.findall(r"`([^`]+)`", row)}
    tree = ast.parse(PRIVATE.read_text())
    used = {
        each.asname or each.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("dagster._")
        for each in node.names
    }
    # Those of dagster_postgres that are not there in each version, and what is overridden.
    used |= {
        node.args[1].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "getattr"
        and isinstance(node.args[1], ast.Constant)
    }
    used |= {
        function.name
        for node in tree.body
        if isinstance(node, ast.ClassDef)
        for function in node.body
        if isinstance(function, ast.FunctionDef)
    }
    assert listed - {"dagster api"} == used


def test_the_oldest_version_that_is_named_is_the_one_that_is_required() -> None:
    project = tomllib.loads((PACKAGE / "pyproject.toml").read_text())["project"]
    (oldest,) = [each for each in project["dependencies"] if each.startswith("dagster>=")]
    versions = re.search(r"Checked with Dagster ([\d.]+), ([\d.]+) ", README)
    assert versions
    assert f"Dagster {versions[1]} and {versions[2]} by" in PRIVATE.read_text()
    assert oldest == f"dagster>={versions[1]}"
