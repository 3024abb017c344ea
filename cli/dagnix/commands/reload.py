"""`./dagnix reload`."""

from collections.abc import Iterator
from typing import Annotated

import typer
import watchfiles

from dagnix import UserError, code, code_secrets, code_settings, console, project
from dagnix.process import CommandError

# A save is often several changes: they are over when none came for so long, or after a second.
QUIET_MILLISECONDS = 100
DEBOUNCE_MILLISECONDS = 1000
FIRST_MILLISECONDS = 500  # until the first reload


def command(
    watch: Annotated[
        bool, typer.Option("--watch", help="Do it at every save, until Ctrl-C.")
    ] = False,
) -> None:
    """Make the edited code of a mounted folder live (./dagnix up --mount), with its settings.

    The code is loaded in a throwaway process first. If that fails, the error is shown and the code
    that is served stays. Runs in flight end on the code that they began with.
    """
    here = project.current()
    if not watch:
        with code.Checker(here, code.container(here)) as checker:
            _reload(here, checker)
        return
    changes = _changes(here)
    while True:
        served = code.container(here)
        with code.Checker(here, served) as checker:
            _reload_at(changes, here, checker)


def _reload_at(changes: Iterator[object], here: project.Project, checker: code.Checker) -> None:
    """Reload at every change, until the container ends."""
    for _ in changes:
        try:
            _reload(here, checker)
        except CommandError as error:
            console.failed(str(error))
            return
        except UserError as error:
            console.failed(str(error))


def _reload(here: project.Project, checker: code.Checker) -> None:
    code_settings.require(here)
    with console.step("Checking and reloading the code") as step:
        step.done = f"Live: {code.reload(here, checker)}"


def _changes(here: project.Project) -> Iterator[object]:
    """Yield at once, and then after every save."""
    folder = code.container(here).mounted
    console.out.print(f"Watching {folder} (Ctrl-C ends it)", soft_wrap=True)
    changes = watchfiles.watch(
        folder,
        *code_secrets.folders(here, code.SERVICE),
        step=QUIET_MILLISECONDS,
        debounce=DEBOUNCE_MILLISECONDS,
        rust_timeout=FIRST_MILLISECONDS,
        yield_on_timeout=True,
        raise_interrupt=True,
    )
    # The first is a timeout: from then on no save is missed.
    yield next(changes)
    yield from (change for change in changes if change)
