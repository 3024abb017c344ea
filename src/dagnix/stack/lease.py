"""One command at a time that changes what runs, for each instance of the stack."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dagnix import console
from dagnix.file_lock import held
from dagnix.project import Project


def folder(project: Project) -> Path:
    """Return the folder for what is known of the instance's deploys; it is made if it is absent."""
    path = project.state / "deploys" / project.name
    path.mkdir(parents=True, exist_ok=True)
    return path


@contextmanager
def lease(project: Project, *, silent: bool = False) -> Iterator[None]:
    """Wait until no other command changes what this instance runs, and keep others waiting.

    It says that it waits, unless it is `silent`.

    A request to end, or a terminal that goes, is taken as Ctrl-C, so that what was begun is taken
    back or said.
    """
    says = f"Another command changes what {project.name} runs: waiting for it"

    def busy() -> None:
        if not silent:
            console.warned(says)

    with held(folder(project) / "lock", busy), _ended_in_order():
        yield


@contextmanager
def _ended_in_order() -> Iterator[None]:
    """Raise KeyboardInterrupt at SIGTERM or SIGHUP, once: both may come again and again.

    What the caller has the process ignore, as nohup does with SIGHUP, stays so.
    """
    before = {
        number: signal.getsignal(number)
        for number in (signal.SIGTERM, signal.SIGHUP)
        if signal.getsignal(number) is not signal.SIG_IGN
    }

    def interrupt(*_: object) -> None:
        for number in before:
            # Not SIG_IGN, which programs that are started from now on would have, too.
            signal.signal(number, lambda *_: None)
        raise KeyboardInterrupt

    for number in before:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
