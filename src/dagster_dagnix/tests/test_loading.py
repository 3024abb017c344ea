"""What is loaded: the program that prepares it, watched folders, snapshots, dependencies."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from dagster import DagsterRunStatus
from dagster._grpc.client import DagsterGrpcClient
from harness import HERE, LONG_SECONDS, PACKAGE, Served, World, children, lives, until

from dagster_dagnix import requeue
from dagster_dagnix.protocol import CODE_LINK, RUN_SERVER_TAG, RunServer
from dagster_dagnix.server.__main__ import parse
from dagster_dagnix.server.checks import Unmet, check_dependencies
from dagster_dagnix.server.load import Load
from dagster_dagnix.server.loop import Loop
from dagster_dagnix.server.server import Server


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return Path(shutil.copytree(HERE / "project", tmp_path / "project"))


def program(path: Path, load: dict | str) -> Path:
    """Write a program that prepares a load, or fails with a reason."""
    if isinstance(load, str):
        text = f"import sys; sys.exit({load!r})"
    else:
        text = f"print({json.dumps(load)!r})"
    path.write_text(f"#!{sys.executable} -IS\n{text}\n")
    path.chmod(0o755)
    return path


def test_what_a_program_says_is_loaded_from_then_on(
    world: World, serve: Callable[..., Served], project: Path, tmp_path: Path
) -> None:
    prepare = program(tmp_path / "prepare", "There is no secret of the name TOKEN.")
    served = serve(
        "prepared", "--prepare", str(prepare), "x", project=project, log=tmp_path / "log"
    )
    served.ready()
    assert served.ask("ping")["code"]["error"] == "There is no secret of the name TOKEN."
    # The dashboard shows it, too.
    client = DagsterGrpcClient(socket=str(served.folder / CODE_LINK))
    assert "no secret of the name TOKEN" in client.list_repositories()
    environment = {**world.environment, "PLACE": "first"}
    options = ["-f", "jobs.py", "-d", str(project), "--location-name", "prepared"]
    load = {"folder": str(project), "options": options, "environment": environment}
    program(prepare, load)
    assert "code" in served.ask("reload")
    run = world.run("prepared", "works", work={"config": {"note": str(tmp_path / "note")}})
    world.wait(world.launch(run), "SUCCESS")
    # Its code is of another folder, as that of a snapshot.
    folder, path, place = (tmp_path / "note").read_text().split()
    assert (folder, path, place) == (str(HERE / "project"), str(HERE / "project"), "first")
    program(prepare, "The project is gone.")
    assert served.ask("reload") == {"error": "The project is gone."}
    assert served.ask("ping")["code"]["ready"]


def test_a_program_that_prints_something_else_is_named() -> None:
    with pytest.raises(ValueError, match="must print a JSON object with folder"):
        Load.parse('{"folder": "/x"}')


def test_a_run_uses_the_snapshot_that_it_was_created_with() -> None:
    environment = {"PYTHONPATH": "/snapshots/2/src:/more"}
    load = Load("/snapshots/2", ("-m", "x", "-d", "/snapshots/2/src"), environment)
    moved = load.at("/snapshots/1/src")
    assert moved.folder == "/snapshots/1"
    assert moved.environment == {"PYTHONPATH": "/snapshots/1/src:/more"}
    assert load.at("/snapshots/2/src") is load
    assert load.at(None) is load


def test_a_saved_change_is_served_by_itself(serve: Callable[..., Served], project: Path) -> None:
    served = serve("watched", "--watch", str(project), project=project).ready()
    until(lambda: watches(served), "it watches")
    first = (served.folder / CODE_LINK).readlink()
    with (project / "jobs.py").open("a") as file:
        file.write("\n1 / 0\n")
    until(lambda: "not served" in served.log.read_text(), served.log)
    assert "the change is not served: ZeroDivisionError: division by zero" in served.log.read_text()
    assert (served.folder / CODE_LINK).readlink() == first
    (project / "__pycache__").mkdir(exist_ok=True)
    (project / "__pycache__" / "x.pyc").write_text("")
    shutil.copy(HERE / "project" / "jobs.py", project)
    until(lambda: "the change is served" in served.log.read_text(), served.log)
    until(lambda: (served.folder / CODE_LINK).readlink() != first, "another code server")


def watches(served: Served) -> bool:
    """Tell whether the process that watches has asked the kernel to tell of changes."""
    infos = ""
    for pid in children(served.process.pid, "watch"):
        for file in Path(f"/proc/{pid}/fdinfo").glob("*"):
            with suppress(OSError):  # it has been closed
                infos += file.read_text()
    return "inotify wd" in infos


def test_what_a_run_leaves_behind_is_ended_and_it_has_failed(
    world: World, serve: Callable[..., Served], tmp_path: Path
) -> None:
    """Its process ended with exit code 0, as if all was well."""
    served = serve("left").ready()
    assert "does ping, start" in served.ask("dance")["error"]
    assert served.ask("start") == {"error": "The request lacks 'run_id'."}
    assert served.ask("check", run_id="x") == {"known": False}
    assert served.ask("end", run_id="x") == {"ended": False}
    assert "is no process" in served.ask("start_step", run_id="x", key="k", arguments="")["error"]
    note = tmp_path / "note"
    run = world.run("left", "leaves", leave={"config": {"note": str(note)}})
    world.wait(world.launch(run), "FAILURE")
    assert "unexpectedly exited with code 0" in world.said(run)
    until(lambda: not lives(note.read_text()), "what it has left is gone")
    # A launch that was interrupted goes back into the queue; one that was not does not.
    cut, begun = world.run("left", "works"), world.run("left", "works")
    world.instance.add_run_tags(cut.run_id, {RUN_SERVER_TAG: served.socket().name})
    gone = world.run("left", "works", {RUN_SERVER_TAG: "run-gone-0123456789ab.sock"})
    hung = world.launch(world.run("left", "works", work={"config": {"seconds": LONG_SECONDS}}))
    ids = [each.run_id for each in (cut, gone, hung)]
    assert set(requeue.requeue(world.instance, ids)) == {cut.run_id, gone.run_id}
    assert world.get(cut).status is DagsterRunStatus.QUEUED
    assert begun.run_id in requeue.requeue(world.instance)
    # A run that has been cancelled meanwhile is not begun.
    late = world.run("left", "works")
    world.instance.report_run_canceling(late)
    world.wait(world.launch(world.get(late)), "CANCELED")
    assert "before its process began" in world.said(late)
    world.instance.run_launcher.terminate(hung.run_id)


def begin(*words: str) -> None:
    """Do what the run server does first."""
    Server(Loop(), parse(words), RunServer("host", "0123456789ab"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--location", "a/b"], "give it a name without slashes"),
        (["--location", "a", "--prepare", "x", "--", "-m", "y"], "without --prepare"),
        (["--location", "a" * 100], "with a short path"),
    ],
)
def test_what_is_wrong_on_the_command_line_is_said_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        begin("--sockets", str(tmp_path), *words)
    assert said in f"{ended.value} {capsys.readouterr().err}"


def test_how_long_a_run_may_take_to_end_is_a_number(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DAGNIX_KILL_SECONDS", "soon")
    with pytest.raises(SystemExit):
        parse(["--sockets", "/x", "--location", "a"])
    assert "DAGNIX_KILL_SECONDS must be a number of seconds" in capsys.readouterr().err


def test_dependencies_that_are_missing_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = '[project]\nname = "x"\ndependencies = ["dagster>99", "no-such-package"]\n'
    (tmp_path / "pyproject.toml").write_text(text)
    check_dependencies(tmp_path)  # not mounted: it is in the image, with its dependencies
    monkeypatch.setenv("DAGNIX_PIPES_SNAPSHOTS", "/snapshots")
    with pytest.raises(Unmet, match="no-such-package") as unmet:
        check_dependencies(tmp_path)
    assert unmet.value.answer["__class__"] == "MissingDependencies"
    assert unmet.value.answer["file"] == "pyproject.toml"
    assert len(unmet.value.answer["dependencies"]) == 2
    (tmp_path / "pyproject.toml").write_text("[")
    with pytest.raises(Unmet, match="cannot be read"):
        check_dependencies(tmp_path)


def check(load: Load) -> subprocess.CompletedProcess[str]:
    text = json.dumps(
        {"folder": load.folder, "options": load.options, "environment": {**os.environ}}
    )
    command = [sys.executable, "-m", "dagster_dagnix.check"]
    env = {**os.environ, "PYTHONPATH": str(PACKAGE)}
    return subprocess.run(command, input=text, capture_output=True, text=True, check=False, env=env)


def test_code_is_checked_without_being_served() -> None:
    options = ("-f", "jobs.py", "-d", str(HERE / "project"))
    checked = check(Load(str(HERE / "project"), options))
    assert (checked.returncode, checked.stdout) == (0, ""), checked.stderr
    checked = check(Load(str(HERE / "project"), ("-f", "none.py")))
    assert checked.returncode == 1
    assert "none.py" in json.loads(checked.stdout)["message"]
