"""Former containers: each goes when its last run has ended.

`python -m dagnix.deploy.drain CONTAINER SECONDS AFTERWARDS` does that in a process of its own,
which outlives the command that starts it.
"""

import fcntl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum

from dagnix import UserError, dashboard, project
from dagnix.deploy import generations
from dagnix.deploy.turns import folder
from dagnix.podman import podman
from dagnix.project import Project

LOOK_SECONDS = 2
AGAIN_SECONDS = 15  # until what failed is tried again
CANCEL_SECONDS = 240  # run monitoring gives up on a run that does not stop after 180 s
A_DAY = 24 * 3600


class Afterwards(StrEnum):
    """What becomes of runs that are in flight when the time is over."""

    KEEP = "keep"
    CANCEL = "cancel"
    FAIL = "fail"


def begin(here: Project, seconds: float = A_DAY, afterwards: Afterwards = Afterwards.KEEP) -> None:
    """Start a process for each former container, which ends at once if the container has one."""
    for container in generations.former(here):
        words = [container.host, str(seconds), afterwards.value]
        with (folder(here) / f"drain-{container.host}.log").open("a") as log:
            subprocess.Popen(
                [sys.executable, "-m", "dagnix.deploy.drain", *words],
                start_new_session=True,  # Ctrl-C is not for it
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )


def drain(here: Project, host: str, seconds: float, afterwards: Afterwards) -> None:
    """Remove a former container when it has no run, or after `seconds` do what is to be done.

    Raises:
        UserError: podman or Postgres does not answer.

    """
    end, late = time.monotonic() + seconds, False
    while found := [each for each in generations.former(here) if each.host == host]:
        (container,) = found
        if not container.running and not generations.wake(here, container):
            return
        runs = generations.runs(here, container)
        if not runs:  # it takes no new ones
            generations.remove(here, container)
            return
        if (now := time.monotonic()) > end:
            if afterwards is Afterwards.KEEP:
                return
            if afterwards is Afterwards.CANCEL and not late:
                for run in runs:
                    dashboard.cancel(here, run)
                end, late = now + CANCEL_SECONDS, True
            else:
                failure = f"Podman cannot restart {container.name}"
                words = ["restart", "--time", "0", container.name]
                podman(here, *words, failure=failure)
        time.sleep(LOOK_SECONDS)


@contextmanager
def _alone(here: Project, host: str) -> Iterator[None]:
    """End this process if another one drains the container."""
    with (folder(here) / f"drain-{host}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit()
        yield


def main() -> None:
    """Drain the container that the arguments name; what fails is tried again."""
    _, host, seconds, afterwards = sys.argv
    here = project.current()
    end = time.monotonic() + float(seconds)
    with _alone(here, host):
        # The next deploy starts another one.
        while time.monotonic() < end + A_DAY:
            try:
                drain(here, host, end - time.monotonic(), Afterwards(afterwards))
            except UserError as error:
                # The stack may be on its way down, or Postgres away for a while.
                print(f"{time.strftime('%F %T')} {error}", flush=True)
                time.sleep(AGAIN_SECONDS)
            else:
                break
    with suppress(FileNotFoundError):
        (folder(here) / f"drain-{host}.lock").unlink()


if __name__ == "__main__":
    main()
