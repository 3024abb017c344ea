"""Draining containers: each goes when its last run has ended.

`python -m dagnix.deploy.drain CONTAINER` does that in a process of its own, which outlives the
command that starts it. Its task is in a file: if the process ends early, when the host reboots for
example, another one continues from there.
"""

import json
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from dagnix import UserError, project
from dagnix.deploy import code_containers, old_images
from dagnix.deploy.terms import Afterwards
from dagnix.file_lock import held
from dagnix.host.podman import podman
from dagnix.images import garbage
from dagnix.project import Project
from dagnix.stack import dashboard
from dagnix.stack.containers import Container
from dagnix.stack.lease import folder, lease

# Between two looks: a look is a call of podman's, so they become rarer the longer the runs go on.
LOOK_SECONDS, LATER_SECONDS = 2, 30
RARER = 0.1  # of the time since the first look
AGAIN_SECONDS = 15  # until what failed is tried again
CANCEL_SECONDS = 240  # run monitoring gives up on a run that does not stop after 180 s
A_DAY = 24 * 3600
LOG_DAYS = 30


def begin(here: Project, seconds: float = A_DAY, afterwards: Afterwards = Afterwards.KEEP) -> None:
    """Start a process for each draining container; it ends at once if another one drains that.

    A container that already has a time limit keeps it.
    """
    for container in code_containers.draining(here):
        if not (terms := _file(here, container.host, "json")).exists():
            until = time.time() + seconds
            terms.write_text(json.dumps({"until": until, "afterwards": afterwards}))
        with _file(here, container.host, "log").open("a") as log:
            subprocess.Popen(
                [sys.executable, "-m", "dagnix.deploy.drain", container.host],
                start_new_session=True,  # Ctrl-C is not for it
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )


def drain(here: Project, host: str, until: float, afterwards: Afterwards) -> None:
    """Remove a draining container when it has no run, and after `until` do what is to be done.

    `until` is in seconds since 1970. Returns when the container is gone, or if it serves: then a
    deploy was interrupted before the cut-over, and the next command finishes or undoes it.

    Raises:
        UserError: podman or Postgres does not answer.

    """
    while found := [each for each in code_containers.draining(here) if each.host == host]:
        (container,) = found
        if not container.running:
            # A command may just be stopping it: that one ends first.
            with lease(here, silent=True):
                if not code_containers.wake(here, container):
                    return
        try:
            _outlast_runs(here, container, until, afterwards)
        except UserError:
            now = code_containers.draining(here)
            if any(each.host == host and each.running for each in now):
                raise
        else:
            if code_containers.serves(here, container):
                return
            code_containers.remove(here, container)  # it has no run, and takes no new ones


def _outlast_runs(
    here: Project, container: Container, until: float, afterwards: Afterwards
) -> None:
    """Return when the container has no run. Raises UserError if it does not tell, or has ended."""
    began, late = time.monotonic(), False
    while runs := code_containers.runs(here, container):
        pause = min(LATER_SECONDS, max(LOOK_SECONDS, RARER * (time.monotonic() - began)))
        if time.time() > until:
            if afterwards is Afterwards.KEEP:
                pause = LATER_SECONDS
            elif afterwards is Afterwards.CANCEL and not late:
                for run in runs:
                    dashboard.cancel(here, run)
                until, late = time.time() + CANCEL_SECONDS, True
            else:
                # That kills the runs. The run server reports them as failed when it is up again, or
                # as canceled if they had been cancelled.
                failure = f"Podman cannot restart {container.name}"
                podman(here, "restart", "--time", "0", container.name, failure=failure)
        time.sleep(pause)


def _file(here: Project, host: str, kind: str) -> Path:
    return folder(here) / f"drain-{host}.{kind}"


def sweep(here: Project) -> None:
    """Remove logs of containers that have gone, if they are empty or nobody reads them any more."""
    for log in folder(here).glob("drain-*.log"):
        with suppress(FileNotFoundError):  # another one does the same
            seen = log.stat()
            is_old = time.time() - seen.st_mtime > LOG_DAYS * A_DAY
            if not log.with_suffix(".json").exists() and (is_old or not seen.st_size):
                log.unlink()


def _terms(here: Project, host: str) -> tuple[float, Afterwards]:
    """Return until when runs may go on, and what then; the defaults if that cannot be read."""
    try:
        said = json.loads(_file(here, host, "json").read_text())
        return float(said["until"]), Afterwards(said["afterwards"])
    except (OSError, ValueError, KeyError, TypeError):
        return time.time() + A_DAY, Afterwards.KEEP


def main() -> None:
    """Drain the container that the argument names; what fails is tried again for a day."""
    _, host = sys.argv
    here = project.current()
    # This process ends if another one drains the container.
    with held(_file(here, host, "lock"), sys.exit):
        until, afterwards = _terms(here, host)
        # Runs may take longer than a day, but what fails is tried again for a day only. After that
        # the next `up` or deploy starts another drain process.
        for _ in range(A_DAY // AGAIN_SECONDS):
            try:
                drain(here, host, until, afterwards)
            except UserError as error:
                # The stack may be on its way down, or Postgres away for a while.
                print(f"{time.strftime('%F %T')} {error}", flush=True)
                time.sleep(AGAIN_SECONDS)
            else:
                for kind in ("json", "lock"):
                    _file(here, host, kind).unlink(missing_ok=True)
                break
    with lease(here, silent=True):
        old_images.remove(here)
    sweep(here)
    # Last, as Nix may look at a large store for minutes.
    with suppress(UserError):
        garbage.collect(here, silent=True)


if __name__ == "__main__":
    main()
