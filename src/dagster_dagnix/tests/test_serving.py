"""Who serves a code location, what is loaded, and what is left when somebody is killed."""

import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from dagster import DagsterRun
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._grpc.client import DagsterGrpcClient
from harness import HERE, LONG_SECONDS, Served, World, children, lives, until

from dagster_dagnix.protocol import CODE_LINK, LOCK, RUN_LINK, listens


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return Path(shutil.copytree(HERE / "project", tmp_path / "project"))


def jobs(folder: Path) -> str:
    """Return what the code server that serves says, over a connection of its own."""
    return DagsterGrpcClient(socket=str(folder / CODE_LINK)).list_repositories()


def name(folder: Path, link: str) -> str:
    return (folder / link).readlink().name


def start_long(
    world: World, served: Served, note: Path, job: str = "works", op: str = "work"
) -> DagsterRun:
    config = {op: {"config": {"note": str(note), "seconds": LONG_SECONDS}}}
    run = world.launch(world.run(served.location, job, **config))
    until(note.exists, "the op has begun")
    return run


def test_what_is_gone_is_made_again_and_runs_go_on(
    world: World, serve: Callable[..., Served], tmp_path: Path
) -> None:
    served = serve("again").ready()
    # What somebody has deleted is made again.
    with served.stopped():
        shutil.rmtree(served.folder)
    until(lambda: listens(served.folder / RUN_LINK) and listens(served.folder / CODE_LINK), "again")
    run = start_long(world, served, tmp_path / "note")
    first = name(served.folder, CODE_LINK)
    # The one whose socket is gone may still be ending.
    until(lambda: len(children(served.process.pid, "code server")) == 1, "one code server is left")
    (code,) = children(served.process.pid, "code server")
    os.kill(code, signal.SIGKILL)
    until(lambda: name(served.folder, CODE_LINK) != first, "another code server")
    assert "__repository__" in str(jobs(served.folder))
    assert served.ask("ping")["runs"] == [run.run_id]
    assert world.get(run).status.value == "STARTED"
    # A drained server ends with its last run.
    served.process.terminate()
    until(lambda: served.ask("ping")["draining"], "it drains")
    assert served.ask("ping")["ending"]
    with pytest.raises(DagsterUserCodeUnreachableError, match="replaced"):
        world.launch(world.run("again", "works"))
    assert world.instance.run_launcher.terminate(run.run_id)
    assert served.wait() == 0
    world.wait(run, "CANCELED")
    assert not list(served.folder.glob("*.sock"))


def test_runs_of_a_run_server_that_was_killed_are_reported_by_the_next(
    world: World, serve: Callable[..., Served], tmp_path: Path
) -> None:
    served = serve("lost").ready()
    run = start_long(world, served, tmp_path / "note")
    canceling = start_long(world, served, tmp_path / "note 2", "ignores", "ignore")
    world.instance.report_run_canceling(canceling)
    pids = [served.ask("check", run_id=each.run_id)["pid"] for each in (run, canceling)]
    served.kill()
    until(lambda: not any(lives(pid) for pid in pids), "its runs are gone")
    with pytest.raises(DagsterUserCodeUnreachableError, match="Is its container up"):
        world.launch(world.run("lost", "works"))
    health = world.instance.run_launcher.check_run_worker_health(world.get(run))
    assert health.status.value == "FAILED"
    serve("lost").ready()
    world.wait(run, "FAILURE")
    assert "that executed this run was killed, or its host went down" in world.said(run)
    world.wait(canceling, "CANCELED")


def test_code_that_is_broken_is_shown_at_first_and_later_changes_nothing(
    world: World, serve: Callable[..., Served], project: Path
) -> None:
    whole = (project / "jobs.py").read_text()
    (project / "jobs.py").write_text("1 / 0\n")
    served = serve("broken", project=project).ready()
    state = served.ask("ping")["code"]
    assert state["lazy"]
    assert "ZeroDivisionError" in str(state["error"])
    assert "division by zero" in str(jobs(served.folder))
    with pytest.raises(DagsterUserCodeUnreachableError, match="not loaded"):
        world.launch(world.run("broken", "works"))
    assert "not loaded" in served.ask("serve")["error"]
    (project / "jobs.py").write_text(whole)
    assert served.ask("reload")["code"]["lazy"] is False
    assert "__repository__" in str(jobs(served.folder))
    world.wait(world.launch(world.run("broken", "works")), "SUCCESS")
    # A reload of broken code keeps what is served.
    first = name(served.folder, CODE_LINK)
    (project / "jobs.py").write_text("1 / 0\n")
    answer = served.ask("reload")
    assert "ZeroDivisionError" in str(answer["error"])
    assert answer["error"]["__class__"] == "SerializableErrorInfo"
    assert name(served.folder, CODE_LINK) == first
    assert listens(served.folder / CODE_LINK)
    (project / "jobs.py").write_text(whole)
    code = served.ask("reload")["code"]
    assert code == {
        "socket": name(served.folder, CODE_LINK),
        "ready": True,
        "lazy": False,
        "error": None,
    }
    assert code["socket"] != first
    until(lambda: not listens(served.folder / first), "the old one has ended")


def test_a_second_run_server_takes_over_while_a_run_is_in_flight(
    world: World, serve: Callable[..., Served], tmp_path: Path
) -> None:
    old = serve("two", host="old").ready()
    run = start_long(world, old, tmp_path / "note")
    new = serve("two", host="new").ready()
    assert name(old.folder, RUN_LINK) == old.socket().name
    assert new.ask("serve") == {"served": True}
    assert name(old.folder, RUN_LINK) == new.socket().name
    assert name(old.folder, CODE_LINK).startswith("code-new-")
    until(lambda: old.ask("ping")["draining"], "the old one drains")
    later = world.wait(world.launch(world.run("two", "works")), "SUCCESS")
    assert later.tags["dagnix/run_server"] == new.socket().name
    assert old.ask("ping")["runs"] == [run.run_id]
    assert world.instance.run_launcher.terminate(run.run_id)
    world.wait(run, "CANCELED")
    assert old.end() == 0
    # Nor does it take over when it is started again and nobody serves.
    new.kill()
    again = serve("two", host="old").ready()
    time.sleep(0.5)
    ping = again.ask("ping")
    assert (ping["draining"], ping["serving"]) == (True, False)
    assert again.ask("serve") == {"served": True}
    assert again.ask("leave") == {"draining": True}
    assert not (again.folder / RUN_LINK).is_symlink()
    assert again.end() == 0


def test_after_a_reboot_the_one_that_served_does_again_although_another_is_ready_first(
    world: World, serve: Callable[..., Served]
) -> None:
    """As when the host goes down in the middle of a deploy, before it cuts over."""
    before = [serve("rebooted", host=host).ready() for host in ("old", "new")]
    for each in before:
        each.kill()
    old = serve("rebooted", host="old")
    old.socket()
    with old.stopped():  # its code takes longer to load
        new = serve("rebooted", host="new").ready()
        assert not new.ask("ping")["serving"]
    until(lambda: old.ask("ping")["serving"], "it serves as before")
    world.wait(world.launch(world.run("rebooted", "works")), "SUCCESS")


def test_rubbish_is_set_aside(world: World, serve: Callable[..., Served]) -> None:
    served = serve("rubbish").ready()
    links = (served.folder / RUN_LINK, served.folder / CODE_LINK)
    until(lambda: all(map(listens, links)), "it serves")
    code = links[1].resolve()
    with served.stopped():
        for path in (*links, served.folder / LOCK):
            path.unlink()
        links[0].write_text("rubbish")
        links[1].mkdir()
        (served.folder / LOCK).mkdir()
    until(lambda: all(map(listens, links)), "again")
    assert len(list(served.folder.glob("*.aside"))) == 2
    with served.stopped():
        code.unlink()
        code.write_text("rubbish")
    until(lambda: links[1].resolve() != code and listens(links[1]), "another code server")
    world.wait(world.launch(world.run("rubbish", "works")), "SUCCESS")
