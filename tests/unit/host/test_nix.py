import json
from collections.abc import Callable
from pathlib import Path

import pytest

from dagnix import UserError, project
from dagnix.host import nix

Program = Callable[[str, str], Path]


PIPES = "/nix/store/0123456789abcdfghijklmnpqrsvwxyz-pipes-oci.drv"


def message(**event: object) -> str:
    return f"@nix {json.dumps(event)}"


def test_shows_each_build_by_its_name() -> None:
    shown: list[str] = []
    log = nix.Log(shown.append)
    log.line(message(action="start", id=1, type=nix.BUILD, text=f"building '{PIPES}'"))
    log.line(message(action="start", id=2, type=100, text="copying"))
    log.line(message(action="stop", id=1))
    assert (shown, log.built, log.failure()) == (["Building pipes-oci"], 1, "")


def test_keeps_errors_without_their_colours() -> None:
    log = nix.Log(lambda _: None)
    log.line(message(action="msg", level=0, msg="\x1b[31;1merror:\x1b[0m no"))
    log.line(message(action="msg", level=3, msg="by the way"))
    log.line("not Nix's own")
    assert log.failure() == "error: no\nnot Nix's own"


def test_a_failed_build_shows_its_last_lines() -> None:
    log = nix.Log(lambda _: None)
    log.line(message(action="start", id=1, type=nix.BUILD, text=f"building '{PIPES}'"))
    for number in range(12):
        line = f"\x1b[1mline {number}"
        log.line(message(action="result", id=1, type=nix.BUILD_LOG_LINE, fields=[line]))
    assert log.failure() == ""
    error = f"error: builder for '{PIPES}' failed with exit code 1"
    log.line(message(action="msg", level=0, msg=error))
    assert log.failure().splitlines() == [
        error,
        f"The last lines of {PIPES}:",
        *(f"  line {number}" for number in range(2, 12)),
    ]


@pytest.mark.usefixtures("checkout")
def test_returns_the_paths_that_nix_prints(program: Program) -> None:
    program("nix", """echo '[{"outputs": {"out": "/nix/store/x"}}]'""")
    log = nix.Log(lambda _: None)
    assert nix.build(project.current(), ["x"], log) == [Path("/nix/store/x")]


@pytest.mark.usefixtures("checkout")
@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("error: cannot get x.deb", r"^Nix cannot build; `nix build \.#x` says:\nerror: cannot"),
        ("error: No space left on device", r"^The disk of the Nix store is full: make room"),
    ],
)
def test_a_failure_is_a_sentence_with_nixs_words(
    program: Program, said: str, sentence: str
) -> None:
    program("nix", f"echo '{message(action='msg', level=0, msg=said)}' >&2; exit 1")
    with pytest.raises(UserError, match=sentence):
        nix.build(project.current(), ["x"], nix.Log(lambda _: None))
