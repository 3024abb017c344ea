"""What steps print: kept up to a limit, and copied to where it went before."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from dagster import DagsterInstance
from dagster._core.storage.compute_log_manager import ComputeIOType
from harness import LONG_SECONDS, lives, until

from dagster_dagnix import DagnixComputeLogManager, follow

KEY = ["run", "compute_logs", "step"]


class Step:
    """A fork whose output is captured, and what it still gets to where it went before."""

    def __init__(self, folder: Path, do: Callable[[], None], limit: str) -> None:
        self._out = [folder / "stdout", folder / "stderr"]
        self._manager = manager(folder, limit)
        self._do = do
        self.process = multiprocessing.get_context("fork").Process(target=self._run)
        self.process.start()

    def _run(self) -> None:
        for number, path in enumerate(self._out, 1):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), number)
        sys.stdout, sys.stderr = (os.fdopen(each, "w", closefd=False) for each in (1, 2))
        with self._manager.capture_logs(KEY):
            self._do()
        print("after", flush=True)
        os._exit(0)

    def end(self) -> list[str]:
        """Wait for its end, and return what came where stdout and stderr went before."""
        self.process.join(60)
        assert self.process.exitcode == 0
        return [each.read_text() for each in self._out]


@pytest.fixture
def capture(tmp_path: Path) -> Iterator[Callable[..., Step]]:
    """Start a process that does something while its output is captured."""
    begun: list[Step] = []

    def start(do: Callable[[], None], limit: str = "1k") -> Step:
        begun.append(Step(tmp_path, do, limit))
        return begun[-1]

    yield start
    for each in begun:
        each.process.kill()
        each.process.join()


def manager(folder: Path, limit: str) -> DagnixComputeLogManager:
    """Return that of a code location's container, which has its own folder alone."""
    (folder / "logs/ours").mkdir(parents=True, exist_ok=True)
    return DagnixComputeLogManager(str(folder / "logs"), limit=limit)


def log(folder: Path, kind: str = "out") -> Path:
    return folder.joinpath("logs/ours", *KEY[:-1], f"{KEY[-1]}.{kind}")


def test_what_is_printed_is_in_the_log_and_where_it_went(
    capture: Callable[..., Step], tmp_path: Path
) -> None:
    def do() -> None:
        print("one", flush=True)
        print("two", file=sys.stderr)
        subprocess.run(["echo", "three"], check=True)

    assert capture(do).end() == ["one\nthree\nafter\n", "two\n"]
    assert log(tmp_path).read_bytes() == b"one\nthree\n"
    assert log(tmp_path, "err").read_bytes() == b"two\n"
    assert log(tmp_path, "complete").exists()


@pytest.mark.parametrize("pause", [0, 2 * follow.LOOK_SECONDS], ids=["at once", "in parts"])
def test_what_is_too_much_is_cut_and_the_log_says_so(
    capture: Callable[..., Step], tmp_path: Path, pause: float
) -> None:
    def do() -> None:
        for part in "abc":
            print(part * 1000, flush=True)
            time.sleep(pause)

    out, _ = capture(do).end()
    found = log(tmp_path).read_text()
    assert found.startswith("a" * 1000 + "\n" + "b" * 23 + "\n[Cut here: more than 1 KiB were")
    assert found.endswith("dagster.yaml.]\n")
    assert len(found) - 1024 <= follow.NOTICE_BYTES
    # Where it went before it is cut as well.
    assert out == found + "after\n"


def test_a_step_that_prints_without_end_takes_no_more_room(
    capture: Callable[..., Step], tmp_path: Path
) -> None:
    def do() -> None:
        while True:
            print("x" * 80)

    step = capture(do)
    path, most = log(tmp_path), 1024 + follow.NOTICE_BYTES
    until(lambda: path.exists() and b"[Cut here" in head(path, 1100)[1024:], "it is cut")
    until(lambda: path.stat().st_size > most, "it has grown again")
    # It is looked at again: what came since is gone. Only one that is stopped prints nothing anew.
    os.kill(step.process.pid or 0, signal.SIGSTOP)
    until(lambda: path.stat().st_size <= most, "it is cut again")
    assert step.process.is_alive()


def head(path: Path, size: int) -> bytes:
    with path.open("rb") as file:
        return file.read(size)


def test_no_character_is_cut(capture: Callable[..., Step], tmp_path: Path) -> None:
    capture(lambda: print("\u20ac" * 1000)).end()
    assert log(tmp_path).read_bytes().decode().startswith("\u20ac" * 341 + "\n[Cut here")


def test_zero_is_without_limit(capture: Callable[..., Step], tmp_path: Path) -> None:
    capture(lambda: print("x" * 100_000), "0").end()
    assert log(tmp_path).stat().st_size == 100_001


def test_nothing_is_left_of_a_step_that_is_killed(
    capture: Callable[..., Step], tmp_path: Path
) -> None:
    """Even if a process that the step has forked has its files open."""

    def do() -> None:
        forked = os.fork()
        if forked:
            print(forked, flush=True)
        time.sleep(LONG_SECONDS)

    step = capture(do).process
    until(lambda: log(tmp_path).exists() and log(tmp_path).read_bytes(), "it has begun")
    forked = log(tmp_path).read_text().strip()
    children = Path(f"/proc/{step.pid}/task/{step.pid}/children").read_text().split()
    followers = set(children) - {forked}
    assert len(followers) == 2
    step.kill()
    step.join()
    until(lambda: not any(lives(each) for each in followers), "they have ended")
    assert lives(forked)
    os.kill(int(forked), signal.SIGKILL)


def test_no_more_than_the_limit_is_read_at_once(tmp_path: Path) -> None:
    """Of a log of before there was one, a webserver has not so much memory."""
    log(tmp_path).parent.mkdir(parents=True)
    log(tmp_path).write_bytes(b"x" * 10_000)
    limited = manager(tmp_path, "1k")
    data, offset = limited.get_log_data_for_type(KEY, ComputeIOType.STDOUT)
    assert data is not None
    assert len(data) == offset == 1024 + follow.NOTICE_BYTES
    data, offset = limited.get_log_data_for_type(KEY, ComputeIOType.STDOUT, offset, 10)
    assert (data, offset) == (b"x" * 10, 1034 + follow.NOTICE_BYTES)
    assert manager(tmp_path, "0").get_log_data(KEY).stdout == b"x" * 10_000


def test_a_limit_that_is_no_size_is_refused_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "dagster.yaml").write_text(
        "compute_logs:\n  module: dagster_dagnix\n  class: DagnixComputeLogManager\n"
        f"  config: {{base_dir: {tmp_path}, limit: much}}\n"
    )
    with (
        pytest.raises(ValueError, match=r"limit in dagster.yaml: 'much' is no size"),
        DagsterInstance.from_config(str(tmp_path)) as instance,
    ):
        assert instance.compute_log_manager
