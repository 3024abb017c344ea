"""What a signal does to a command that changes what runs."""

import os
import signal
from pathlib import Path

import pytest

from dagnix import project
from dagnix.stack.lease import lease


@pytest.mark.usefixtures("checkout")
@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_a_lost_terminal_and_a_request_to_end_are_as_ctrl_c_and_once(number: int) -> None:
    before = signal.getsignal(number)
    undone = []

    def work() -> None:
        try:
            os.kill(os.getpid(), number)
        except KeyboardInterrupt:
            # A shell that loses its terminal sends SIGHUP, as the kernel has done.
            os.kill(os.getpid(), signal.SIGHUP)
            os.kill(os.getpid(), signal.SIGTERM)
            undone.append("what was begun")
            raise

    with pytest.raises(KeyboardInterrupt), lease(project.current()):
        work()
    assert undone
    assert signal.getsignal(number) is before


@pytest.mark.usefixtures("checkout")
def test_a_lost_terminal_is_ignored_under_nohup() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with lease(project.current()):
            os.kill(os.getpid(), signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_another_command_can_have_its_turn_afterwards(checkout: Path) -> None:
    assert checkout.is_dir()
    for _ in range(2):
        with lease(project.current()):
            pass
