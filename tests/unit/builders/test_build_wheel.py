from pathlib import Path

import build_wheel
import pytest
from build_wheel import NEEDS_COMPILER

HEAD = "Inter-|   Receive\n face |bytes\n"
FAILED = """
      Traceback (most recent call last):
      ValueError: the version is missing
      [end of output]

  note: This error originates from a subprocess, and is likely not a problem with pip.
error: metadata-generation-failed
"""


EXPLAINED = """
  error: subprocess-exited-with-error
  Getting requirements to build wheel did not run successfully.
  ╰─> [9 lines of output]
      Error: pg_config executable not found.

      For further information please check the documentation
      (also at <https://docs.example.org/install>).

      [end of output]
"""


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        (EXPLAINED, "Error: pg_config executable not found"),
        (FAILED, "ValueError: the version is missing"),
        ("ERROR: Cannot unpack file\n\n", "ERROR: Cannot unpack file"),
        ("", "pip printed nothing"),
        (
            "error: [Errno 2] No such file or directory: 'x86_64-linux-gnu-gcc'",
            NEEDS_COMPILER,
        ),
        (
            "error: command 'x86_64-linux-gnu-gcc' failed: No such file or directory",
            NEEDS_COMPILER,
        ),
        (
            "error: [Errno 2] No such file or directory: 'x86_64-linux-gnu-g++'",
            NEEDS_COMPILER,
        ),
        (
            "  tiny.c:1:10: note: x\n  tiny.c:7:3: error: too few arguments\n",
            "it does not compile: tiny.c:7:3: error: too few arguments",
        ),
        ("configure: error: no acceptable C compiler found in $PATH", NEEDS_COMPILER),
        ("ERROR: Unknown compiler(s): [['cc'], ['gcc'], ['clang']]", NEEDS_COMPILER),
        (
            "error: command '/bin/gcc' failed with exit code 1",
            "error: command '/bin/gcc' failed with exit code 1",
        ),
        (
            (
                "tiny.c:1:10: fatal error: libxml/parser.h: No such file or directory\n"
                "error: command '/bin/gcc' failed with exit code 1"
            ),
            f"it includes libxml/parser.h: {build_wheel.ADD}",
        ),
        (
            (
                "/bin/ld: cannot find -lxml2: No such file or directory\n"
                "collect2: error: ld returned 1 exit status"
            ),
            f"it links to libxml2: {build_wheel.ADD}",
        ),
        ("FileNotFoundError: [Errno 2] No such file or directory: '/bin/sh'", NEEDS_COMPILER),
        ("make: /bin/sh: No such file or directory", NEEDS_COMPILER),
        (
            "FileNotFoundError: [Errno 2] No such file or directory: 'pkg-config'",
            f"it calls pkg-config: {build_wheel.ADD}",
        ),
        (
            "/bin/sh: line 1: xml2-config: command not found",
            f"it calls xml2-config: {build_wheel.ADD}",
        ),
        (
            "<urlopen error [Errno -3] Temporary failure in name resolution>",
            "it downloads while it is installed",
        ),
    ],
)
def test_the_reason_is_read_from_pips_words(output: str, reason: str) -> None:
    assert build_wheel.reason(output) == reason


def test_nothing_is_built_where_there_is_a_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interfaces = tmp_path / "dev"
    monkeypatch.setattr(build_wheel, "INTERFACES", interfaces)
    interfaces.write_text(f"{HEAD}    lo: 0 0\n")
    assert not build_wheel.has_network()
    interfaces.write_text(f"{HEAD}    lo: 0 0\n  eth0: 1 1\n")
    said = build_wheel.build(tmp_path / "none", tmp_path / "out", compiler=False)
    assert said.startswith("Nix builds without a sandbox here")
    assert not (tmp_path / "out").exists()
