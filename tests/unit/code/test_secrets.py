import datetime as dt
import os
import pty
import re
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support.markdown import Page
from support.stack import ROOT

from dagnix import UserError, project
from dagnix.code import secrets as code_secrets
from dagnix.code import settings as code_settings
from dagnix.stack import compose

Program = Callable[[str, str], Path]
PAGE = Page(Path("docs/howto/secrets-and-settings.md"))
READER = (ROOT / "src/entrypoint/internal/variables/variables.go").read_text()


@pytest.fixture
def here(checkout: Path, program: Program) -> project.Project:
    """A checkout with Dagnix's compose.yaml, and a podman that notes what it is asked."""
    shutil.copy(ROOT / "compose.yaml", checkout)
    told = checkout / "podman-was-told"
    program(
        "podman",
        f'case "$*" in *--version*) echo podman version 5.5.0 ;; *) echo "$*" >> {told} ;; esac',
    )
    return project.current()


def dagnix(*words: str, said: bytes = b"", **environment: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "dagnix", "secret", *words],
        check=False,
        capture_output=True,
        input=said,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), **environment},
    )
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
    )


def test_a_secret_is_a_file_of_the_containers_user(here: project.Project) -> None:
    for value in (b"one", b"-----BEGIN-----\n'$x \"#\n-----END-----\n"):
        done = dagnix("set", "API_KEY", said=value)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("API_KEY is set. Runs have it after `./dagnix deploy`")
        file = here.secrets / "shared" / "API_KEY"
        assert file.read_bytes() == value
        assert stat.S_IMODE(file.stat().st_mode) == 0o400
        if os.geteuid() == 0:
            assert (file.stat().st_uid, file.stat().st_gid) == (10001, 10001)
        else:
            asked = (here.root / "podman-was-told").read_text().splitlines()[-1]
            assert asked.startswith(f"unshare chown 10001:10001 {file.parent}/.API_KEY.")
    assert [path.name for path in file.parent.iterdir()] == ["API_KEY"]
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o755
    assert stat.S_IMODE(here.secrets.stat().st_mode) == 0o700


def test_a_folder_that_is_open_to_others_is_closed(here: project.Project) -> None:
    here.secrets.mkdir(parents=True, mode=0o755)
    assert "was open to other users" in dagnix("set", "API_KEY", said=b"x").stderr
    assert stat.S_IMODE(here.secrets.stat().st_mode) == 0o700
    assert "was open" not in dagnix("set", "API_KEY", said=b"x").stderr


def test_a_terminal_is_asked_and_shows_nothing(here: project.Project) -> None:
    controller, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "dagnix", "secret", "set", "API_KEY"],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    )
    os.close(terminal)
    shown = b""
    while b"API_KEY: " not in shown:
        shown += os.read(controller, 1000)
    os.write(controller, b"hush\n")
    while b"is set" not in shown:
        shown += os.read(controller, 1000)
    assert process.wait(60) == 0
    assert b"hush" not in shown
    assert (here.secrets / "shared" / "API_KEY").read_bytes() == b"hush"


def test_environments_and_locations_have_their_own(here: project.Project) -> None:
    folder = here.root / "config" / "env"
    folder.mkdir(parents=True)
    (folder / "staging.env").write_text("DAGNIX_SECRETS_DIR=./.dagnix/secrets-staging\n")
    assert dagnix("set", "DSN", said=b"dev").returncode == 0
    assert dagnix("set", "DSN", "--location", "pipes", said=b"own").returncode == 0
    assert dagnix("set", "DSN", said=b"staging", DAGNIX_ENV="staging").returncode == 0
    assert (here.secrets / "locations" / "pipes" / "DSN").read_text() == "own"
    assert (here.root / ".dagnix" / "secrets-staging" / "shared" / "DSN").read_text() == "staging"
    listed = dagnix("list").stdout.splitlines()
    assert [line.split()[:2] for line in listed] == [
        ["SECRET", "LOCATION"],
        ["DSN", "all"],
        ["DSN", "pipes"],
    ]
    assert dagnix("remove", "DSN").returncode == 0
    again = dagnix("remove", "DSN")
    assert again.returncode == 1
    assert "There is no such secret of all: DSN is one of pipes." in again.stderr
    assert dagnix("remove", "DSN", "--location", "pipes").returncode == 0
    assert dagnix("list").stdout.startswith("There are no secrets yet")


def test_by_hand(here: project.Project) -> None:
    (here.root / "api-key.txt").write_text("x")
    (command,) = (each for each in PAGE.commands() if each.startswith("install"))
    subprocess.run(["sh", "-ec", command], check=True, cwd=here.root)
    assert dagnix("list").stdout.splitlines()[1].split()[:2] == ["API_KEY", "all"]
    assert dagnix("set", "API_KEY", said=b"y").returncode == 0
    assert (here.secrets / "shared" / "API_KEY").read_text() == "y"


@pytest.mark.parametrize(
    ("words", "value", "says"),
    [
        (("set", "A"), b"", "The secret is empty"),
        (("set", "A"), b"\r\n", "The secret is empty"),
        (("set", "A"), b"a\0b", "no text in UTF-8"),
        (("set", "A"), b"\xff", "no text in UTF-8"),
        (("set", "A"), b"x" * (64 * 1024 + 1), "at most 65536 bytes"),
        (("set", "A", "--location", "pipe"), b"x", "There is no code location pipe"),
        (("set", "A=hush"), b"", "give the name alone"),
        (("set", "../A"), b"x", "no name of an environment variable"),
        (("set", "1A"), b"x", "no name of an environment variable"),
        (("set", "PATH"), b"x", "PATH is a variable that Dagnix"),
        (("set", "LD_PRELOAD"), b"x", "LD_PRELOAD is a variable that Dagnix"),
        (("set", "grpc_proxy"), b"x", "grpc_proxy is a variable that Dagnix"),
        (("set", "A_FILE"), b"x", "A_FILE is the variable with the path of A"),
        (("remove", "A", "--location", ".."), b"", "There is no code location .."),
        (("remove", "../dagster-password"), b"", "no name of an environment variable"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(
    here: project.Project, words: tuple[str, ...], value: bytes, says: str
) -> None:
    refused = dagnix(*words, said=value)
    assert refused.returncode == 1
    assert says in refused.stderr
    assert "hush" not in refused.stderr
    assert len(refused.stderr.splitlines()) == 1
    assert not here.secrets.exists()


def test_the_largest_secret(here: project.Project) -> None:
    assert dagnix("set", "A", said=b"x" * 64 * 1024).returncode == 0
    assert (here.secrets / "shared" / "A").stat().st_size == 64 * 1024


def test_compose_files_without_the_folders_are_named(here: project.Project) -> None:
    (here.root / "compose.yaml").write_text("services: {pipes: {volumes: ['data:/data']}}\n")
    refused = dagnix("set", "A", said=b"x")
    assert refused.returncode == 1
    assert "The compose files give pipes no secrets" in refused.stderr


def test_podmans_secrets_and_env_files_stand_beside(
    here: project.Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compose, "settings", dict)
    (here.root / "own.env").write_text("OWN=1\n")
    (own,) = (block.text for block in PAGE.blocks if block.text.startswith("services:"))
    (here.root / "compose.own.yaml").write_text(own)
    code_secrets.write(here, "API_KEY", None, b"hush")
    here = here.with_compose_file("compose.own.yaml")
    code_secrets.require_mounted(here, "pipes")
    words = next(each for each in compose.described(here, "pipes") if "pipes" in each[0])
    assert {"OWN=1", "DAGNIX_SETTINGS="} <= set(words)
    assert words[words.index("--secret") + 1] == "api-key,type=env,target=API_KEY"
    assert f"{here.secrets}/shared:/run/secrets/shared:ro,z" in words
    assert f"{here.secrets}/locations/pipes:/run/secrets/location:ro,z" in words
    assert f"{code_settings.folder(here)}:/etc/dagnix/settings:ro,z" in words
    assert "hush" not in " ".join(words)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_is_anothers_is_refused() -> None:
    with pytest.raises(UserError, match="cannot be made private"):
        code_secrets.secret_files.make_private(Path("/usr"))


def test_the_rules_are_those_of_what_reads_them() -> None:
    for names in (code_secrets.RESERVED, code_secrets.RESERVED_PREFIXES):
        assert "{" + ", ".join(f'"{name}"' for name in names) + "}" in READER
    assert f"`^{code_secrets.NAME.pattern}$`" in READER
    found = re.search(r"maxValue = (\d+) << (\d+)", READER)
    assert found
    assert int(found[1]) << int(found[2]) == code_secrets.MAX_BYTES


def test_a_change_is_seen(here: project.Project) -> None:
    def changed() -> bool:
        return code_secrets.changed_since(here, "pipes", moment)

    def now() -> dt.datetime:
        time.sleep(0.02)  # the clock of the file system is coarser
        moment = dt.datetime.now(dt.UTC)
        time.sleep(0.02)
        return moment

    settings = code_settings.folder(here)
    settings.mkdir(parents=True)
    (settings / "default.toml").write_text("A = 'a'\n")
    moment = now()
    assert not changed()
    code_secrets.write(here, "A", "other", b"x")
    assert not changed()
    for change in (
        lambda: (settings / "default.toml").write_text("A = 'b'\n"),
        lambda: code_secrets.write(here, "A", None, b"x"),
        lambda: code_secrets.write(here, "A", "pipes", b"x"),
        lambda: code_secrets.remove(here, "A", "pipes"),
    ):
        moment = now()
        assert not changed()
        change()
        assert changed()


def test_settings_that_a_umask_has_closed_are_opened(
    here: project.Project, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = code_settings.folder(here)
    settings.mkdir(parents=True)
    (settings / "default.toml").touch()
    for path, mode in ((settings / "default.toml", 0o600), (settings, 0o700)):
        path.chmod(mode)
    code_settings.require(here)
    assert stat.S_IMODE(settings.stat().st_mode) == 0o705
    assert stat.S_IMODE((settings / "default.toml").stat().st_mode) == 0o604
    assert "is open to other users now" in capsys.readouterr().err
    code_settings.require(here)
    assert not capsys.readouterr().err


def test_secrets_that_cannot_be_got_at(here: project.Project) -> None:
    here.secrets.parent.mkdir()
    here.secrets.write_text("no folder")
    for words in (("list",), ("remove", "A"), ("set", "A")):
        refused = dagnix(*words, said=b"x")
        assert refused.returncode == 1
        assert refused.stderr.startswith("dagnix: The ")
        assert len(refused.stderr.splitlines()) == 1


def test_settings_of_a_location_that_is_not_there(here: project.Project) -> None:
    settings = code_settings.folder(here)
    code_settings.require(here)
    settings.mkdir(parents=True)
    (settings / "prod.toml").write_text("A = 'a'\n[pipes]\nB = 'b'\n")
    code_settings.require(here)
    for content, says in {
        "[pipe]\n": r"prod\.toml has settings of pipe, which is no code location: .* pipes\.",
        "A = a\n": r"config/settings/prod\.toml cannot be read: .*line 1",
    }.items():
        (settings / "prod.toml").write_text(content)
        with pytest.raises(UserError, match=says):
            code_settings.require(here)
