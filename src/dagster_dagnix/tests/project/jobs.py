"""A code location for the tests."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from dagster import Config, Definitions, job, op


class Work(Config):
    """What an op does."""

    seconds: float = 0.0
    note: str = ""  # a file to write into once it has begun


def note(config: Work, text: str = "") -> None:
    """Tell the test that the op has begun."""
    if config.note:
        beside = Path(config.note + "~")
        beside.write_text(text)
        beside.rename(config.note)


@op
def work(config: Work) -> None:
    """Work for a while."""
    note(config, f"{os.getcwd()}\n{sys.path[0]}\n{os.environ.get('PLACE', '')}")
    time.sleep(config.seconds)


@op
def ignore(config: Work) -> None:
    """Be cancelled in vain."""
    note(config)
    while True:
        try:
            time.sleep(60)
        except BaseException:  # noqa: BLE001, PERF203, S110
            pass


@op
def crash() -> None:
    """End without a word."""
    os.kill(os.getpid(), signal.SIGKILL)


@op
def leave(config: Work) -> None:
    """Leave a process behind, and end the run's as if all was well."""
    left = subprocess.Popen(["sleep", "600"])
    note(config, str(left.pid))
    os._exit(0)


@job
def works():
    work()


@job
def ignores():
    ignore()


@job
def crashes():
    crash()


@job
def leaves():
    leave()


defs = Definitions(jobs=[works, ignores, crashes, leaves])
