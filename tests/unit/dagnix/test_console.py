"""What others wrote, on our terminal."""

import pytest

from dagnix.console import harmless


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ü\tπ\n", "plain ü\tπ\n"),
        ("\x1b]0;title\x07", "^[]0;title^G"),
        ("\x1b]52;c;ZXZpbA==\x1b\\", "^[]52;c;ZXZpbA==^[\\"),
        ("\x1b[2J\x1b[H", "^[[2J^[[H"),
        ("\x1b[6n\x1bP", "^[[6n^[P"),
        ("\x9b2J\x85", "\\x9b2J\\x85"),
        ("50 %\r100 %\b\x7f\0", "50 %^M100 %^H^?^@"),
        ("\x1b[31mred\x1b[0m", "red"),
    ],
)
def test_control_characters_are_shown_and_not_carried_out(text: str, shown: str) -> None:
    assert harmless(text) == shown


def test_colours_stay_where_they_are_wanted_and_end_with_the_text() -> None:
    text = "\x1b[1;31mred \x1b[2J"
    assert harmless(text, colours=True) == "\x1b[1;31mred ^[[2J\x1b[0m"
    assert harmless("\x1b[?25l", colours=True) == "^[[?25l"
