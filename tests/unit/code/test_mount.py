"""What is told of the code of a mounted folder."""

import pytest

from dagnix.code import mount


@pytest.mark.parametrize(
    ("shown", "is_shown"),
    [
        ("code-c0ffee-0123456789ab-9.sock", False),
        ("code-c0ffee-0123456789ab-10.sock", True),
        ("code-c0ffee-0123456789ab-11.sock", True),  # a save has been followed meanwhile
        ("code-c0ffee-ba9876543210-11.sock", False),
        ("code-decaf-0123456789ab-11.sock", False),
        ("", False),  # it does not load
        ("a server of somebody else's", False),
    ],
)
def test_a_newer_code_server_has_the_code_too(shown: str, *, is_shown: bool) -> None:
    assert mount._is_shown(shown, "code-c0ffee-0123456789ab-10.sock") is is_shown  # noqa: SLF001
