"""Removes files of steps that are not kept, in a process that gives way to all others."""

import datetime as dt
import json
import os
from collections import deque
from collections.abc import Callable, Collection
from functools import partial
from typing import Any

from dagster import DagsterInstance

from dagster_dagnix import leftovers
from dagster_dagnix.prune.files import Order, prune_here
from dagster_dagnix.prune.once import storage_of
from dagster_dagnix.server.connections import Answer
from dagster_dagnix.server.load import Load
from dagster_dagnix.server.loop import Fork, Loop

NAME = "housekeeping"
NICE = 10
LONGEST_ANSWER = 1 << 16
FAILED = "The files of steps could not be removed: the log of the run server says why."


class Housekeeping:
    """Removes files as it is asked to, one process at a time."""

    def __init__(self, loop: Loop, load: Callable[[], Load]) -> None:
        self._loop, self._load = loop, load
        self._deleted: set[str] = set()
        self._asked: deque[tuple[dict[str, Any], Answer]] = deque()
        self._is_at_work = False

    def remove_files(self, run_ids: Collection[str]) -> None:
        """Remove the files of runs that are deleted, soon."""
        self._deleted.update(run_ids)
        self._go_on()

    def prune_files(self, request: dict[str, Any], answer: Answer) -> None:
        """Remove files of `run_ids` and, `by_age`, those past their time; answer how much it was.

        With `is_dry` nothing is removed.
        """
        self._asked.append((request, answer))
        self._go_on()

    def _go_on(self) -> None:
        if self._is_at_work:
            return
        try:
            if self._deleted:
                do = partial(remove_files, self._load(), frozenset(self._deleted))
                self._deleted.clear()
                self._loop.fork(Fork(NAME, do), self._ended)
            elif self._asked:
                self._prune(*self._asked.popleft())
            else:
                return
        except OSError as error:  # what was deleted is found when the instance is pruned
            print(f"housekeeping: no process can be started: {error}", flush=True)
        else:
            self._is_at_work = True

    def _prune(self, request: dict[str, Any], answer: Answer) -> None:
        reading, writing = os.pipe()
        do = partial(prune_files, self._load(), request, writing)
        try:
            self._loop.fork(Fork(NAME, do), partial(self._pruned, reading, answer), keep=writing)
        except OSError as error:
            os.close(reading)
            os.close(writing)
            answer({"error": f"No process can be started: {error.strerror}."})
            raise
        os.close(writing)

    def _pruned(self, reading: int, answer: Answer, pid: int) -> None:
        said = os.read(reading, LONGEST_ANSWER)
        os.close(reading)
        answer(json.loads(said) if said else {"error": FAILED})
        self._ended(pid)

    def _ended(self, pid: int) -> None:
        os.waitpid(pid, 0)
        self._is_at_work = False
        self._go_on()


def remove_files(load: Load, run_ids: Collection[str]) -> int:
    """Remove what steps of these runs have handed to each other, and return an exit code."""
    load.enter_environment()
    with DagsterInstance.get() as instance:
        for run_id in run_ids:
            if not instance.has_run(run_id):
                leftovers.remove_files(instance, run_id)
    return 0


def prune_files(load: Load, request: dict[str, Any], writing: int) -> int:
    """Do what was asked for, write how many bytes it was as JSON, and return an exit code."""
    load.enter_environment()
    os.nice(NICE)
    order = Order(request["run_ids"], request["is_dry"], request["by_age"])
    with DagsterInstance.get() as instance:
        retention = storage_of(instance).retention
        room = prune_here(instance, retention, order, dt.datetime.now(dt.UTC))
    os.write(writing, json.dumps({"files": room}).encode())
    return 0
