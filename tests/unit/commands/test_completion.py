"""What a shell completes, asked of the shell itself."""

import shutil
import subprocess
from functools import cache

import pytest

from dagnix.commands import shells

# Types a line, and prints what bash would offer for its last word.
ASK = """
{script}
COMP_WORDS=({words})
COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
_dagnix
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@cache
def script(shell: str) -> str:
    return shells.SHELLS[shell](shells.tree())


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("./dagnix re", {"reload", "restart", "restore"}),
        ("./dagnix deploy --a", {"--afterwards"}),
        ("./dagnix auth r", {"role", "remove"}),
        ("./dagnix auth add --", {"--help", "--role"}),
        ("./dagnix completion ''", {"-h", "--help", "bash", "zsh", "fish"}),
        ("./dagnix --e", {"--env"}),
        ("./dagnix --env prod dep", {"deploy"}),
    ],
)
def test_bash(words: str, offered: set[str]) -> None:
    text = ASK.format(script=script("bash"), words=words)
    told = subprocess.run(["bash", "-c", text], check=True, capture_output=True, text=True)
    assert set(told.stdout.split()) == offered
    assert not told.stderr


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_the_other_shells_take_the_script(shell: str) -> None:
    assert "upgrade" in script(shell)
    if not (program := shutil.which(shell)):
        pytest.skip(f"there is no {shell} here")
    subprocess.run([program, "-n"], input=script(shell), check=True, text=True)
