"""How much memory runs take: looked at each second, while there is one with a limit.

A limit of addresses (RLIMIT_AS) would count what is never used, for each process by itself; a
control group of its own for each run needs rights that a container has not.
"""

import os
import signal
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

PAGE = os.sysconf("SC_PAGESIZE")


class Process(NamedTuple):
    """A process of this container; its parent, its session."""

    pid: int
    parent: int
    session: int


def processes() -> dict[int, Process]:
    """Return all processes of this container, by their number."""
    return {each.pid: each for each in _processes()}


def _processes() -> Iterator[Process]:
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            with suppress(OSError, ValueError, IndexError):
                # After the name, which may have spaces: state, parent, group, session.
                stat = Path(entry.path, "stat").read_text().rpartition(")")[2].split()
                yield Process(int(entry.name), int(stat[1]), int(stat[3]))


def members(leaders: Iterable[int], known: Mapping[int, Process]) -> set[int]:
    """Return the processes of these sessions, and all that descend from them."""
    found = set(leaders)
    found |= {each.pid for each in known.values() if each.session in found}
    while more := {each.pid for each in known.values() if each.parent in found} - found:
        found |= more
    return found & known.keys()


def used(pids: Iterable[int], limit: int) -> int:
    """Return how many bytes these processes take together.

    What they share with others is divided among all; that is looked up only if it matters.
    """
    pids = list(pids)
    resident = sum(_resident(pid) for pid in pids)
    return resident if resident <= limit else sum(_proportional(pid) for pid in pids)


def kill(pids: Iterable[int]) -> None:
    """Kill processes."""
    for pid in pids:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
    except (OSError, IndexError):  # it has ended
        return 0


def _proportional(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except PermissionError:  # it has another user
        return _resident(pid)
    except OSError:
        return 0
    return next((int(line.split()[1]) << 10 for line in lines if line.startswith("Pss:")), 0)
