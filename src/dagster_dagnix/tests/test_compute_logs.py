"""What steps print: kept up to a limit, and copied to where it went before."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from dagster import DagsterInstance
from dagster._core.storage.compute_log_manager import ComputeIOType
from harness import PACKAGE, lives, until

from dagster_dagnix import LimitedComputeLogManager, follow

KEY = ["run", "compute_logs", "step"]
CAPTURE = """
import os, subprocess, sys, time
from dagster_dagnix import LimitedComputeLogManager

with LimitedComputeLogManager({folder!r}, limit={limit!r}).capture_logs({key!r}):
{body}
print("after")
"""


@pytest.fixture
def capture(tmp_path: Path) -> Callable[..., subprocess.Popen[bytes]]:
    """Start a process that runs code while its output is captured."""

    def start(body: str, limit: str = "1k") -> subprocess.Popen[bytes]:
        text = CAPTURE.format(
            folder=str(tmp_path), limit=limit, key=KEY, body=textwrap.indent(body, "    ")
        )
        return subprocess.Popen(
            [sys.executable, "-c", text],
            env={**os.environ, "PYTHONPATH": str(PACKAGE)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    return start


def log(folder: Path, kind: str = "out") -> Path:
    return folder.joinpath(*KEY[:-1], f"{KEY[-1]}.{kind}")


def test_what_is_printed_is_in_the_log_and_where_it_went(
    capture: Callable[..., subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    body = "print('one')\nprint('two', file=sys.stderr)\nsubprocess.run(['echo', 'three'])"
    out, errors = capture(body).communicate(timeout=60)
    assert (out, errors) == (b"one\nthree\nafter\n", b"two\n")
    assert log(tmp_path).read_bytes() == b"one\nthree\n"
    assert log(tmp_path, "err").read_bytes() == b"two\n"
    assert log(tmp_path, "complete").exists()


@pytest.mark.parametrize("pause", [0, 2 * follow.LOOK_SECONDS], ids=["at once", "in parts"])
def test_what_is_too_much_is_cut_and_the_log_says_so(
    capture: Callable[..., subprocess.Popen[bytes]], tmp_path: Path, pause: float
) -> None:
    body = f"for part in 'abc':\n    print(part * 1000, flush=True)\n    time.sleep({pause})"
    out, _ = capture(body).communicate(timeout=60)
    found = log(tmp_path).read_text()
    assert found.startswith("a" * 1000 + "\n" + "b" * 23 + "\n[Cut here: more than 1 KiB were")
    assert found.endswith("dagster.yaml.]\n")
    assert len(found) - 1024 <= follow.NOTICE_BYTES
    # Where it went before it is cut as well.
    assert out.decode() == found + "after\n"


def test_a_step_that_prints_without_end_takes_no_more_room(
    capture: Callable[..., subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    step = capture("while True:\n    print('x' * 80)")
    path = log(tmp_path)
    until(lambda: path.exists() and b"[Cut here" in path.read_bytes()[1024:1100], "it is cut")
    # It is looked at again: what came since is gone.
    until(lambda: path.stat().st_size <= 1024 + follow.NOTICE_BYTES, "it is cut again")
    assert step.poll() is None
    step.kill()
    step.communicate()


def test_no_character_is_cut(
    capture: Callable[..., subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    capture("print('\\u20ac' * 1000)").communicate(timeout=60)
    assert log(tmp_path).read_bytes().decode().startswith("\u20ac" * 341 + "\n[Cut here")


def test_zero_is_without_limit(
    capture: Callable[..., subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    capture("print('x' * 100_000)", "0").communicate(timeout=60)
    assert log(tmp_path).stat().st_size == 100_001


def test_nothing_is_left_of_a_step_that_is_killed(
    capture: Callable[..., subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    """Even if a process that the step has forked has its files open."""
    body = "print('begun', flush=True)\nif os.fork() == 0:\n    time.sleep(60)\ntime.sleep(60)"
    step = capture(body)
    until(lambda: log(tmp_path).exists() and log(tmp_path).read_bytes(), "it has begun")
    time.sleep(2 * follow.LOOK_SECONDS)
    children = Path(f"/proc/{step.pid}/task/{step.pid}/children").read_text().split()
    followers = [
        each for each in children if b"follow" in Path(f"/proc/{each}/cmdline").read_bytes()
    ]
    others = set(children) - set(followers)
    assert len(followers) == 2
    step.send_signal(signal.SIGKILL)
    step.wait()
    until(lambda: not any(lives(each) for each in followers), "they have ended")
    for each in others:
        os.kill(int(each), signal.SIGKILL)


def test_no_more_than_the_limit_is_read_at_once(tmp_path: Path) -> None:
    """Of a log of before there was one, a webserver has not so much memory."""
    log(tmp_path).parent.mkdir(parents=True)
    log(tmp_path).write_bytes(b"x" * 10_000)
    manager = LimitedComputeLogManager(str(tmp_path), limit="1k")
    data, offset = manager.get_log_data_for_type(KEY, ComputeIOType.STDOUT)
    assert data is not None
    assert len(data) == offset == 1024 + follow.NOTICE_BYTES
    data, offset = manager.get_log_data_for_type(KEY, ComputeIOType.STDOUT, offset, 10)
    assert (data, offset) == (b"x" * 10, 1034 + follow.NOTICE_BYTES)
    without = LimitedComputeLogManager(str(tmp_path), limit="0")
    assert without.get_log_data(KEY).stdout == b"x" * 10_000


def test_a_limit_that_is_no_size_is_refused_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "dagster.yaml").write_text(
        "compute_logs:\n  module: dagster_dagnix\n  class: LimitedComputeLogManager\n"
        f"  config: {{base_dir: {tmp_path}, limit: much}}\n"
    )
    with (
        pytest.raises(ValueError, match=r"limit in dagster.yaml: 'much' is no size"),
        DagsterInstance.from_config(str(tmp_path)) as instance,
    ):
        assert instance.compute_log_manager
