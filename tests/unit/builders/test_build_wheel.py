from pathlib import Path

import build_wheel
import pytest

HEAD = "Inter-|   Receive\n face |bytes\n"
FAILED = """
      Traceback (most recent call last):
      ValueError: the version is missing
      [end of output]

  note: This error originates from a subprocess, and is likely not a problem with pip.
error: metadata-generation-failed
"""


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        (FAILED, "ValueError: the version is missing"),
        ("ERROR: Cannot unpack file\n\n", "ERROR: Cannot unpack file"),
        ("", "pip printed nothing"),
        (
            "error: [Errno 2] No such file or directory: 'x86_64-linux-gnu-gcc'",
            "it needs a compiler",
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
    said = build_wheel.build(tmp_path / "none", tmp_path / "out")
    assert said.startswith("Nix builds without a sandbox here")
    assert not (tmp_path / "out").exists()
