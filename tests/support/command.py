"""Running programs in tests."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

# Far above what anything takes on a slow and busy machine: a limit that ends what hangs.
TIMEOUT_SECONDS = 600

Found = TypeVar("Found")

# The commands that tests have run in this process, as a user types them in the checkout's folder.
typed: set[str] = set()


def run(  # noqa: PLR0913 - what tests need to say of a program, in one place
    words: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    check: bool = True,
    stdin: str | None = None,
    cwd: Path | None = None,
    seconds: float = TIMEOUT_SECONDS,
) -> subprocess.CompletedProcess[str]:
    """Run a program with `env` added to the environment; with `check`, fail with what it said."""
    command = [os.fspath(word) for word in words]
    process = subprocess.Popen(
        command,
        env={**os.environ, **(env or {})},
        cwd=cwd,
        encoding="utf-8",
        errors="replace",
        stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        output, errors = process.communicate(stdin, seconds)
    except BaseException:
        # With all that it has started.
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise
    done = subprocess.CompletedProcess(command, process.returncode, output, errors)
    assert not check or done.returncode == 0, (
        f"{' '.join(command)} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
    )
    return done


def wait_until(probe: Callable[[], Found], what: str, seconds: float = TIMEOUT_SECONDS) -> Found:
    """Call `probe` until it returns something true, and return that.

    Each call costs CPU that others need: one that takes long is made less often, and so is any the
    longer the wait. What is there for a moment only may be missed. What `probe` raises ends the
    test, so it returns something false for what may be on its way: a service that does not answer
    yet, a container that has just gone.
    """
    began = now = time.monotonic()
    while not (found := probe()):
        before, now = now, time.monotonic()
        assert now < began + seconds, f"not after {seconds:g} s: {what}"
        time.sleep(max(0.5, 4 * (now - before), 0.15 * (now - began)))
        now = time.monotonic()
    return found
