from collections.abc import Iterator
from pathlib import Path

import pytest

from dagnix import UserError
from dagnix.process import CommandError, feed, run


def test_returns_both_outputs() -> None:
    result = run(["sh", "-c", "echo out; echo err >&2"], "No")
    assert (result.output, result.errors, result.returncode) == ("out\n", "err\n", 0)


def test_shows_the_sentence_the_command_and_what_it_said() -> None:
    with pytest.raises(CommandError) as error:
        run(["sh", "-c", "echo 'no such thing' >&2; exit 3"], "Nothing works")
    assert str(error.value).splitlines() == [
        "Nothing works.",
        "  $ sh -c 'echo '\"'\"'no such thing'\"'\"' >&2; exit 3'",
        "  no such thing",
    ]


def test_shows_only_the_end_of_long_output() -> None:
    with pytest.raises(CommandError) as error:
        run(
            ["sh", "-c", "for i in 1 2 3 4 5 6 7 8 9 a b c d e f g h; do echo $i; done; false"],
            "No",
        )
    shown = str(error.value).splitlines()
    assert shown[2] == "  3"
    assert shown[-1] == "  h"


def test_a_missing_program_is_one_sentence() -> None:
    with pytest.raises(UserError, match=r"^Cannot: no-such-program is not installed"):
        run(["no-such-program"], "Cannot")


def test_time_limit_is_one_sentence() -> None:
    with pytest.raises(UserError, match=r"^Cannot: no answer within 0.1 s from `sleep 60`"):
        run(["sleep", "60"], "Cannot", timeout=0.1)


def test_lines_are_handed_over_as_they_come() -> None:
    lines: list[str] = []
    run(["sh", "-c", "echo a >&2; echo b >&2"], "No", line=lines.append)
    assert lines == ["a", "b"]


def test_adds_to_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEPT", "kept")
    assert run(["sh", "-c", "echo $KEPT $NEW"], "No", env={"NEW": "new"}).output == "kept new\n"


@pytest.mark.parametrize(
    "said",
    [
        "write /var/x: no space left on device",
        "note: build failure may have been caused by lack of free disk space",
        "error: database or disk is full",
    ],
)
def test_recognises_a_full_disk(said: str) -> None:
    assert run(["sh", "-c", 'echo "$0" >&2', said], "No").no_space


def test_what_is_fed_to_a_command_arrives(tmp_path: Path) -> None:
    chunks = [bytes([n]) * 100_000 for n in range(20)]
    target = tmp_path / "target"
    feed(["sh", "-c", f"cat > {target}"], "No", chunks)
    assert target.read_bytes() == b"".join(chunks)


def test_a_command_that_reads_no_more_says_why() -> None:
    with pytest.raises(CommandError, match=r"(?s)^No\..*enough"):
        feed(["sh", "-c", "echo enough; exit 3"], "No", [b"0" * 100_000] * 20)


def test_a_command_that_is_fed_ends_before_what_was_wrong_is_told(tmp_path: Path) -> None:
    def broken() -> Iterator[bytes]:
        yield b"half"
        raise UserError("The file is damaged.")

    with pytest.raises(UserError, match="damaged"):
        feed(["sh", "-c", f"cat > {tmp_path}/read; touch {tmp_path}/ended"], "No", broken())
    assert (tmp_path / "ended").exists()
