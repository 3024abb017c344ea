import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

from dagnix.commands import COMMANDS

ROOT = Path(__file__).parents[3]
SOURCES = ROOT / "src"
SCHEMA = ROOT / "docs/reference/status.schema.json"
NO_PORT = "1"  # where no dashboard answers
Program = Callable[[str, str], Path]

CONTAINER = {
    "Id": "0123456789abcdef",
    "Name": "dagnix_pipes_1",
    "Config": {
        "Hostname": "0123456789ab",
        "Labels": {"com.docker.compose.service": "pipes"},
        "Healthcheck": {"Test": ["CMD", "true"]},
    },
    "State": {
        "Status": "running",
        "StartedAt": "2026-01-01T00:00:00.123456789Z",
        "Health": {"Log": [{"ExitCode": 1, "Output": "definitions.py:3 does not import\n"}]},
    },
    "Image": "sha256:abc",
    "ImageName": "localhost/dagnix/pipes:1.2.3",
    "ImageDigest": "sha256:0123456789abcdef",
    "RestartCount": 2,
    "HostConfig": {"PortBindings": {"4000/tcp": None}},
}


def dagnix(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "dagnix", *arguments],
        check=False,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(SOURCES), **environment},
    )


@pytest.fixture
def stack_with_broken_code(checkout: Path, program: Program) -> None:
    """A podman that runs a pipes service whose health check fails."""
    (checkout / "compose.yaml").write_text("services: {pipes: {image: x}}\n")
    state = checkout / "inspect.json"
    state.write_text(json.dumps([CONTAINER]))
    program(
        "podman",
        f"""case "$*" in
*--version*) echo podman version 5.5.0 ;;
"ps "*) echo abc ;;
"container inspect"*) cat {state} ;;
"healthcheck run"*) echo unhealthy; exit 1 ;;
"logs "*) echo "$*" ;;
*) echo "$*" >&2; exit 125 ;;
esac""",
    )


@pytest.fixture
def stack_that_is_down(checkout: Path, program: Program) -> Path:
    program("podman", 'case "$*" in *--version*) echo podman version 5.5.0 ;; esac')
    return checkout


@pytest.mark.usefixtures("checkout")
@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str) -> None:
    shown = dagnix(name, "--help")
    assert shown.returncode == 0, shown.stderr
    assert "usage" in shown.stdout.lower()


@pytest.mark.usefixtures("checkout")
def test_help_has_no_colour_off_the_terminal() -> None:
    assert "\x1b" not in dagnix("--help").stdout


@pytest.mark.usefixtures("stack_with_broken_code")
def test_status_tells_what_is_wrong_and_fails() -> None:
    shown = dagnix("status", DAGNIX_PORT=NO_PORT)
    assert shown.returncode == 1
    assert "\x1b" not in shown.stdout
    title, row, _, reason, *rest = shown.stdout.splitlines()
    assert title.split()[:4] == ["SERVICE", "HEALTH", "SERVES", "UPTIME"]
    assert row.split()[:2] == ["pipes", "unhealthy"]
    assert "localhost/dagnix/pipes:1.2.3" in row
    assert reason == "pipes: definitions.py:3 does not import"
    assert "runs         the webserver does not answer" in rest
    assert "last backup  none" in rest


@pytest.mark.usefixtures("stack_with_broken_code")
def test_status_as_json() -> None:
    shown = dagnix("status", "--json", DAGNIX_PORT=NO_PORT)
    told = json.loads(shown.stdout)
    jsonschema.validate(told, json.loads(SCHEMA.read_text()))
    (row,) = told["services"]
    assert (shown.returncode, told["healthy"], told["runs"]) == (1, False, None)
    assert (row["service"], row["healthy"], row["restarts"]) == ("pipes", False, 2)
    assert row["digest"] == "sha256:0123456789abcdef"
    assert row["uptime"] > 0


@pytest.mark.usefixtures("stack_with_broken_code")
def test_status_is_watched_on_a_terminal_only() -> None:
    shown = dagnix("status", "--watch")
    assert shown.returncode == 1
    assert shown.stderr == "dagnix: --watch needs a terminal: take --json in a script.\n"
    assert dagnix("status", "--watch", "0").returncode == 2


@pytest.mark.usefixtures("stack_with_broken_code")
def test_status_is_watched_until_it_is_interrupted() -> None:
    end, terminal = pty.openpty()
    watching = subprocess.Popen(
        [sys.executable, "-m", "dagnix", "status", "--watch", "1"],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env={**os.environ, "PYTHONPATH": str(SOURCES), "TERM": "xterm", "DAGNIX_PORT": NO_PORT},
    )
    os.close(terminal)
    said = b""
    while said.count(b"definitions.py:3") < 2:
        said += os.read(end, 1 << 16)
    watching.send_signal(signal.SIGINT)
    while True:
        try:
            said += os.read(end, 1 << 16)
        except OSError:  # the other end is closed
            break
    assert watching.wait() == 1
    assert b"Traceback" not in said
    os.close(end)


@pytest.mark.usefixtures("stack_with_broken_code")
def test_no_color_on_a_terminal_that_has_colours() -> None:
    assert "\x1b[31m" in dagnix("status", FORCE_COLOR="1").stdout
    assert "\x1b[31m" not in dagnix("status", FORCE_COLOR="1", NO_COLOR="1").stdout


@pytest.mark.usefixtures("stack_with_broken_code")
def test_logs_of_one_service() -> None:
    assert dagnix("logs", "pipes", "--tail", "3").stdout == "logs --tail 3 dagnix_pipes_1\n"


@pytest.mark.parametrize("terminal", [True, False])
@pytest.mark.usefixtures("stack_with_broken_code")
def test_what_an_op_prints_does_not_steer_the_terminal(
    checkout: Path, program: Program, *, terminal: bool
) -> None:
    said = checkout / "said"
    said.write_bytes(b"\x1b]0;title\x07 \x1b[2J\x1b[32mgreen\n")
    state = checkout / "inspect.json"
    program(
        "podman",
        f"""case "$*" in
*--version*) echo podman version 5.5.0 ;;
"ps "*) echo abc ;;
"container inspect"*) cat {state} ;;
"logs "*) cat {said} >&2 ;;
esac""",
    )
    shown = dagnix("logs", "pipes", **({"FORCE_COLOR": "1"} if terminal else {}))
    assert shown.returncode == 0, shown.stderr
    if terminal:
        assert shown.stdout == "^[]0;title^G ^[[2J\x1b[32mgreen\x1b[0m\n"
    else:
        assert shown.stderr == said.read_text()


@pytest.mark.usefixtures("stack_with_broken_code")
def test_logs_of_a_service_that_is_not_there() -> None:
    shown = dagnix("logs", "pipe")
    assert shown.returncode == 1
    assert shown.stderr == "dagnix: There is no service pipe: it is one of pipes.\n"


@pytest.mark.usefixtures("stack_that_is_down")
@pytest.mark.parametrize("name", ["status", "logs"])
def test_nothing_runs(name: str) -> None:
    shown = dagnix(name)
    assert shown.returncode == 1
    assert shown.stderr == "dagnix: dagnix is not running: start it with ./dagnix up\n"


@pytest.mark.usefixtures("stack_that_is_down")
def test_down_of_nothing_is_no_error() -> None:
    shown = dagnix("down")
    assert (shown.returncode, shown.stdout) == (0, "dagnix is not running.\n")


@pytest.mark.usefixtures("stack_that_is_down")
def test_up_on_a_port_in_use() -> None:
    from socket import socket  # noqa: PLC0415

    with socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        shown = dagnix("up", DAGNIX_PORT=str(port))
    assert shown.returncode == 1
    assert shown.stderr.startswith(f"dagnix: Port {port} of 127.0.0.1 is in use: choose another")


def test_a_failing_command_is_shown_without_a_traceback(checkout: Path, program: Program) -> None:
    program(
        "podman",
        'case "$*" in *--version*) echo podman version 5.5.0 ;; '
        "*) echo 'Error: no storage' >&2; exit 125 ;; esac",
    )
    shown = dagnix("status")
    assert shown.returncode == 1
    assert shown.stderr.splitlines() == [
        "dagnix: Podman does not list containers.",
        "  $ podman ps --all --filter label=io.podman.compose.project=dagnix --quiet",
        "  Error: no storage",
    ]
    assert checkout.is_dir()


@pytest.mark.usefixtures("checkout")
def test_env_can_be_evaluated_by_a_shell(program: Program) -> None:
    program("podman", "echo podman version 5.5.0")
    settings = "a = b\nc = 'd e'"
    lines = dagnix("env", NIX_CONFIG=settings).stdout
    script = f'{lines}\nprintf %s "$NIX_CONFIG"'
    told = subprocess.run(["sh", "-c", script], check=True, capture_output=True, text=True, env={})
    assert told.stdout == settings


def test_build_of_an_image_that_is_not_there(checkout: Path) -> None:
    shown = dagnix("build", "web")
    assert shown.returncode == 1
    assert shown.stderr.startswith("dagnix: There is no image web: it is one of webserver, ")
    assert not (checkout / ".dagnix").exists()
