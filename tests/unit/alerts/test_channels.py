"""`./dagnix alerts`: the files that it writes for the service."""

import os
import re
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.stack import ROOT

from dagnix import UserError, project
from dagnix.alerts import channels

READER = (ROOT / "src/entrypoint/internal/alerts/channels.go").read_text()
GOOD = {
    "slack": "https://hooks.example.com/hush",
    "teams": "https://teams.example.com/hush?sig=hush",
    "webhook": "http://10.0.0.1:8080/hush",
    "mail": "smtp://ann%40example.com:hush@mail.example.com:587/ops@example.com,me@example.com",
    "command": "python append.py",
    "ping": "https://ping.example.com/hush",
}
BAD = [
    ("slack", "hush"),
    ("teams", "ftp://hush.example.com"),
    ("webhook", "https://[hush/"),
    ("ping", "https:///hush"),
    ("mail", "ops@example.com"),
    ("mail", "smtp://mail.example.com/hush"),
    ("mail", "https://mail.example.com/ops@example.com"),
    ("command", "python hush.py\nrm"),
    ("slack", " \n"),
]


@pytest.fixture
def here(checkout: Path, program: Callable[[str, str], object]) -> project.Project:
    """A checkout, and a podman that does nothing."""
    assert checkout.is_dir()
    program("podman", 'case "$*" in *--version*) echo podman version 5.5.0 ;; esac')
    return project.current()


def dagnix(*words: str, said: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "dagnix", "alerts", *words],
        check=False,
        capture_output=True,
        text=True,
        input=said,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    )


def test_the_service_knows_the_same_channels() -> None:
    block = READER.partition("const (")[2].partition(")")[0]
    assert set(re.findall(r'= "(\w+)"', block)) == channels.CHANNELS.keys() == GOOD.keys()


def test_a_channel_is_a_file_of_the_containers_user(here: project.Project) -> None:
    for name, value in GOOD.items():
        channels.write(here, name, value.encode())
        file = here.secrets / "alerts" / name
        assert file.read_text() == f"{value}\n"
        assert stat.S_IMODE(file.stat().st_mode) == 0o400
    assert stat.S_IMODE(here.secrets.stat().st_mode) == 0o700
    assert channels.found(here) == list(GOOD)
    channels.remove(here, "slack")
    assert "slack" not in channels.found(here)
    with pytest.raises(UserError, match="The channel slack is not set"):
        channels.remove(here, "slack")


@pytest.mark.parametrize(("name", "value"), BAD)
def test_what_leads_nowhere_is_refused_and_not_repeated(
    here: project.Project, name: str, value: str
) -> None:
    with pytest.raises(UserError) as refused:
        channels.write(here, name, value.encode())
    assert "hush" not in str(refused.value)
    assert channels.found(here) == []


def test_the_command(here: project.Project) -> None:
    assert "No channel is set" in dagnix("list").stdout
    done = dagnix("set", "slack", said=GOOD["slack"])
    assert (done.returncode, "hush" in done.stdout + done.stderr) == (0, False), done.stderr
    assert dagnix("list").stdout == "slack\n"
    refused = dagnix("set", "pager", said="x")
    assert refused.returncode == 2
    assert "pager is none of slack, teams" in refused.stderr
    refused = dagnix("test")
    assert refused.returncode == 1
    assert "has no alerts that runs: ./dagnix up starts it." in refused.stderr
    assert dagnix("remove", "slack").returncode == 0
    assert channels.found(here) == []
