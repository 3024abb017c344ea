"""What each fork of the run server does first, and what ends one with all that it has started."""

import ctypes
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

from dagster_dagnix.server import memory
from dagster_dagnix.server.loop import SIGNALS

_libc = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1
# What the kernel ends first for want of memory: also when there are many small ones, and who serves
# code takes more than half of what there is.
EXPENDABLE, OOM_SCORE = ("run", "step", "housekeeping"), 1000


def begin(parent: int, name: str) -> None:
    """Make a fork a process of its own, which is killed when the run server is."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    # A shell that starts something with & has it ignore SIGINT, which Dagster ends itself with.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.setsid()
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, sys.__stdin__.fileno() if sys.__stdin__ else 0)
    os.close(null)
    with suppress(OSError):
        Path("/proc/self/comm").write_text(name)
        if name in EXPENDABLE:
            Path("/proc/self/oom_score_adj").write_text(str(OOM_SCORE))


def kill_session(pid: int) -> None:
    """Kill a session's leader and all that is left of the session.

    The leader must not have been waited for, as its number is another process's after that.
    """
    memory.kill(each.pid for each in memory.processes().values() if each.session == pid)
