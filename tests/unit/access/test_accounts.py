"""`./dagnix auth`: the files that it writes for the gate."""

import base64
import hashlib
import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.stack import ROOT

from dagnix import UserError, project
from dagnix.access import accounts, gate_files

Program = Callable[[str, str], Path]
PASSWORD = "correct horse"


@pytest.fixture
def here(checkout: Path, program: Program) -> project.Project:
    """A checkout, and a podman that gives files to nobody."""
    program("podman", 'case "$*" in *--version*) echo podman version 5.5.0 ;; esac')
    assert checkout.is_dir()
    return project.current()


def dagnix(
    *words: str, said: str = PASSWORD, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "dagnix", "auth", *words],
        check=False,
        capture_output=True,
        input=said,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), **environment},
    )


def test_users_and_their_roles(here: project.Project) -> None:
    assert not gate_files.has_login(here)
    first = dagnix("add", "anna", "--role", "viewer")
    assert "anna can log in, as viewer." in first.stdout
    assert "Nobody is admin yet" in first.stderr
    assert "Nobody is admin" not in dagnix("add", "b@example.org", "--role", "admin").stderr
    assert dagnix("role", "anna", "operator").returncode == 0
    assert [line.split() for line in dagnix("list").stdout.splitlines()] == [
        ["USER", "ROLE"],
        ["anna", "operator"],
        ["b@example.org", "admin"],
    ]
    assert dagnix("remove", "anna").returncode == 0
    assert accounts.users(here).keys() == {"b@example.org"}
    assert gate_files.has_login(here)


def test_only_the_gate_and_the_command_line_can_read_what_lets_in(here: project.Project) -> None:
    dagnix("add", "anna", "--role", "admin")
    folder = gate_files.folder(here)
    found = {path.name: path.stat() for path in folder.iterdir()}
    assert found.keys() == {"users.json", "session-key", "token-sha256"}
    assert {stat.S_IMODE(each.st_mode) for each in found.values()} == {0o400}
    if os.geteuid() == 0:
        assert {each.st_uid for each in found.values()} == {gate_files.IMAGE_USER}
    assert stat.S_IMODE(here.secrets.stat().st_mode) == 0o700
    assert stat.S_IMODE((here.secrets / accounts.TOKEN).stat().st_mode) == 0o600
    hashed = hashlib.sha256(accounts.token(here).encode()).hexdigest()
    assert (folder / "token-sha256").read_text() == hashed
    everything = b"".join(path.read_bytes() for path in folder.iterdir())
    assert PASSWORD.encode() not in everything


def test_the_token_of_the_metrics_is_made_anew_each_time(here: project.Project) -> None:
    assert dagnix("add", "anna", "--role", "admin").returncode == 0
    first, second = (dagnix("metrics") for _ in range(2))
    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout != second.stdout
    stored = gate_files.read(here, "metrics-token-sha256").decode()
    assert stored == hashlib.sha256(second.stdout.strip().encode()).hexdigest()
    assert dagnix("off", "--yes").returncode == 0
    assert not gate_files.read(here, "metrics-token-sha256")
    assert "needs no token yet" in dagnix("metrics").stderr


def test_a_password_is_hashed_with_salt(here: project.Project) -> None:
    dagnix("add", "anna")
    first = accounts.users(here)["anna"]["password"]
    dagnix("password", "anna")
    second = accounts.users(here)["anna"]["password"]
    assert first != second
    _, name, parameters, salt, key = second.split("$")
    assert (name, parameters) == ("scrypt", "ln=14,r=8,p=5")
    salt_bytes, key_bytes = (
        base64.b64decode(each + "=" * (-len(each) % 4)) for each in (salt, key)
    )
    assert hashlib.scrypt(PASSWORD.encode(), salt=salt_bytes, n=1 << 14, r=8, p=5, dklen=32) == (
        key_bytes
    )


def test_the_key_stays_so_that_sessions_do(here: project.Project) -> None:
    dagnix("add", "anna")
    before = gate_files.read(here, accounts.KEY), accounts.token(here)
    dagnix("add", "ben")
    assert (gate_files.read(here, accounts.KEY), accounts.token(here)) == before


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("words", "said", "says"),
    [
        (("add", "anna", "--role", "root"), PASSWORD, "There is no role root: it is one of viewer"),
        (("add", "anna"), "short", "A password has 10 to 1000 characters."),
        (("add", "a b"), PASSWORD, "A user's name has letters"),
        (("add", "ben"), PASSWORD, "ben is there already: `./dagnix auth role ben viewer`"),
        (("role", "anna", "admin"), "", "There is no user anna: ben can log in."),
        (("password", "anna"), PASSWORD, "There is no user anna"),
        (("remove", "ben"), "", "ben is the last one who can log in: `./dagnix auth off`"),
        (("oidc", "https://x.example", "--client-id", "d"), "s", "Nobody would get a role"),
        (
            ("oidc", "https://x.example", "--client-id", "d", "--role", "admin"),
            "s",
            "--role takes VALUE=ROLE, and 'admin' is none.",
        ),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(
    words: tuple[str, ...], said: str, says: str
) -> None:
    dagnix("add", "ben")
    done = dagnix(*words, said=said)
    assert done.returncode == 1
    assert done.stderr.startswith(f"dagnix: {says}")
    assert "Traceback" not in done.stderr


def test_off_lets_everybody_in_but_only_on_this_host(here: project.Project) -> None:
    dagnix("add", "anna")
    refused = dagnix("off", DAGNIX_BIND="0.0.0.0")  # noqa: S104
    assert refused.returncode == 1
    assert "would be open to whoever reaches that" in refused.stderr
    assert gate_files.has_login(here)
    assert dagnix("off").returncode == 0
    assert not gate_files.has_login(here)
    assert accounts.token(here) == ""
    assert dagnix("list").stdout.startswith("Nobody has to log in")


def test_a_provider(here: project.Project) -> None:
    words = ("oidc", "https://id.example.org/", "--client-id", "dagster", "--role", "team=operator")
    done = dagnix(
        *words, "--default", "viewer", "--url", "https://dagster.example.org/", said="s\n"
    )
    assert "https://dagster.example.org/gate/oidc/callback" in done.stdout
    written = json.loads(gate_files.read(here, gate_files.PROVIDER))
    assert written == {
        "issuer": "https://id.example.org",
        "client_id": "dagster",
        "client_secret": "s",
        "url": "https://dagster.example.org",
        "claim": "groups",
        "roles": {"team": "operator"},
        "default": "viewer",
        "ca": "",
    }
    shown = dagnix("list").stdout
    assert "team: operator" in shown
    assert "others: viewer" in shown


def test_a_broken_file_is_named(here: project.Project) -> None:
    gate_files.write(here, gate_files.USERS, b"{")
    with pytest.raises(UserError, match=r"users\.json is broken"):
        accounts.users(here)


def test_beyond_this_host_up_wants_a_login(here: project.Project) -> None:
    assert here.url == "http://127.0.0.1:3000"
    words = [sys.executable, "-m", "dagnix", "up"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "DAGNIX_BIND": "192.0.2.1"}
    done = subprocess.run(words, check=False, capture_output=True, text=True, env=environment)
    assert done.returncode == 1
    assert "DAGNIX_BIND=192.0.2.1 publishes the dashboard beyond this host" in done.stderr
    assert "./dagnix auth add USER --role admin" in done.stderr


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("environment", "url"),
    [
        ({"DAGNIX_BIND": "0.0.0.0"}, "http://127.0.0.1:3000"),  # noqa: S104
        ({"DAGNIX_BIND": "192.0.2.1", "DAGNIX_TLS": "own"}, "https://192.0.2.1:3000"),
        ({"DAGNIX_BIND": "::1", "DAGNIX_PATH_PREFIX": "/a/"}, "http://[::1]:3000/a"),
    ],
)
def test_where_the_dashboard_is(
    environment: dict[str, str], url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert project.current().url == url


def test_a_bind_address_that_is_none(
    monkeypatch: pytest.MonkeyPatch, here: project.Project
) -> None:
    assert here.host == "127.0.0.1"
    monkeypatch.setenv("DAGNIX_BIND", "localhost")
    with pytest.raises(UserError, match="DAGNIX_BIND must be an IP address"):
        _ = project.current().url
