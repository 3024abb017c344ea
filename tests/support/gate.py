"""The gate as a process on this host, in front of a Dagster webserver that is one, too."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

from dagnix.access import accounts
from support.command import run, wait_until
from support.stack import ROOT, free_port

DEFINITIONS = """
import dagster


@dagster.op
def answer() -> int:
    return 42


@dagster.job
def question() -> None:
    answer()


@dagster.asset
def table() -> None: ...


defs = dagster.Definitions(
    jobs=[question],
    assets=[table],
    schedules=[dagster.ScheduleDefinition(job=question, cron_schedule="0 0 * * *")],
)
"""


@dataclass(frozen=True)
class Gate:
    """A gate that serves; `url` has no slash in the end, `secrets` is the folder that it reads."""

    url: str
    secrets: Path
    process: subprocess.Popen[bytes]


def program() -> Path:
    """Return the program that the image has, built from the checkout."""
    link = ROOT / ".dagnix" / "roots" / "gate-program"
    run(["nix", "build", "--out-link", link, f"{ROOT}#gate"])
    return link / "bin" / "gate"


@contextmanager
def webserver(folder: Path, prefix: str = "") -> Iterator[str]:
    """Serve a small code location; yield the address as the gate wants it."""
    (folder / "home").mkdir()
    (folder / "home" / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    (folder / "definitions.py").write_text(DEFINITIONS)
    address = f"127.0.0.1:{free_port()}"
    words = ["-m", "dagster_webserver", "-h", "127.0.0.1", "-p", address.rpartition(":")[2]]
    words += ["-f", str(folder / "definitions.py"), *(["--path-prefix", prefix] if prefix else [])]
    environment = {"DAGSTER_HOME": str(folder / "home")}
    with _running([sys.executable, *words], folder / "webserver.log", environment):
        wait_until(lambda: _answers(f"http://{address}{prefix}/server_info"), "it serves")
        yield address


@contextmanager
def gate(folder: Path, upstream: str, **settings: str) -> Iterator[Gate]:
    """Serve with these settings in front of a webserver; folders are below `folder`."""
    port = free_port()
    secrets, state = folder / "gate-secrets", folder / "gate-state"
    for each in (secrets, state):
        each.mkdir(exist_ok=True)
    environment = {
        "GATE_LISTEN": f"127.0.0.1:{port}",
        "GATE_UPSTREAM": upstream,
        "GATE_SECRETS": str(secrets),
        "GATE_STATE": str(state),
        **settings,
    }
    scheme = "https" if settings.get("DAGNIX_TLS", "off") != "off" else "http"
    url = f"{scheme}://localhost:{port}{settings.get('DAGNIX_PATH_PREFIX', '')}"
    with _running([program(), "serve"], folder / "gate.log", environment) as process:
        run([program(), "health", "120"], env=environment)
        yield Gate(url, secrets, process)


def users(secrets: Path, password: str, *roles: str) -> None:
    """Have a user log in for each of the roles, with the role's name."""
    hashed = accounts.hashed(password)
    known = {role: {"role": role, "password": hashed} for role in roles}
    secrets.mkdir(exist_ok=True)
    (secrets / "users.json").write_text(json.dumps(known))
    (secrets / "session-key").write_text("0123456789abcdef" * 4)


@contextmanager
def _running(
    words: list[str | Path], log: Path, environment: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    with ExitStack() as stack:
        output = stack.enter_context(log.open("ab"))
        process = subprocess.Popen(
            words, stdout=output, stderr=output, env={**os.environ, **environment}
        )
        try:
            yield process
        finally:
            process.terminate()
            process.wait()


def _answers(url: str) -> bool:
    try:
        with urlopen(url) as answer:  # noqa: S310 - HTTP
            return answer.status == 200
    except OSError:  # of urllib, or of a connection that ends without an answer
        return False
