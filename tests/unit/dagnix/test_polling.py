"""Waiting for something that has to be asked for."""

from collections.abc import Callable

import pytest

from dagnix import UserError
from dagnix.polling import wait_until


def answering(*answers: bool | str) -> Callable[[], bool]:
    """Return something that gives these answers, one after the other; text is why it cannot."""
    rest = iter(answers)

    def ask() -> bool:
        answer = next(rest)
        if isinstance(answer, str):
            raise UserError(answer)
        return answer

    return ask


def test_it_asks_until_it_is_done() -> None:
    wait_until(answering(False, False, True), "not done", seconds=60, pause=0)


def test_who_cannot_be_asked_for_a_while_is_asked_again() -> None:
    wait_until(answering("it is away", False, "it is away", True), "no", seconds=60, pause=0)


@pytest.mark.parametrize(("answer", "says"), [(False, "not done"), ("it is away", "it is away")])
def test_when_time_is_over_it_says_why(answer: bool | str, says: str) -> None:
    with pytest.raises(UserError, match=says):
        wait_until(answering(answer), "not done", seconds=-1, pause=0)
