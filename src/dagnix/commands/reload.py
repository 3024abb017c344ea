"""`./dagnix reload`."""

from dagnix import code, code_settings, console, project


def command() -> None:
    """Make the edited code of a mounted folder live now (./dagnix up --mount), with its settings.

    A saved edit goes live by itself within a second, unless DAGNIX_WATCH=0. If the code does not
    load, the error is shown and the code that is served stays. Runs in flight end on the code that
    they began with.
    """
    here = project.current()
    code_settings.require(here)
    with console.step("Loading the code") as step:
        step.done = f"Live: {code.reload(here, code.container(here))}"
