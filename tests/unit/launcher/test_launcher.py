import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from dagnix.commands import COMMANDS
from dagnix.doctor.nix import is_store_usable

LAUNCHER = Path(__file__).parents[3] / "dagnix"
SOURCES = Path(__file__).parents[3] / "src/dagnix"
# What every Debian has, however small.
BASICS = (
    *("sh", "cat", "chmod", "dirname", "find", "grep", "id", "mkdir", "mv", "readlink", "stat"),
    "tail",
)
HELPERS = (
    *("aardvark-dns", "catatonit", "ip", "iptables", "netavark", "newuidmap", "nft"),
    *("runc", "slirp4netns", "xz"),
)
TOOLS = ("git", "nix", "podman", "python3")

Launch = Callable[..., subprocess.CompletedProcess[str]]
Program = Callable[[str, str], None]


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """The only folder in PATH: the basics, and the helpers whose place differs among systems."""
    folder = tmp_path / "programs"
    folder.mkdir()
    for name in BASICS:
        (folder / name).symlink_to(str(shutil.which(name)))
    return folder


@pytest.fixture
def program(programs: Path) -> Program:
    def write(name: str, body: str) -> None:
        path = programs / name
        path.unlink(missing_ok=True)
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)

    for name in HELPERS:
        write(name, "exit 0")
    return write


@pytest.fixture
def launch(tmp_path: Path, programs: Path) -> Launch:
    root = tmp_path / "checkout"
    root.mkdir()
    shutil.copy(LAUNCHER, root)
    shutil.copytree(SOURCES / "commands", root / "src/dagnix/commands")

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["/bin/sh", root / "dagnix", *arguments],
            check=False,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            env={"PATH": str(programs), "HOME": str(tmp_path)},
        )

    return run


def user(program: Program, number: int) -> None:
    program("id", f"case $1 in -un) echo ann ;; *) echo {number} ;; esac")
    program("stat", f"echo {number}")


@pytest.mark.parametrize("arguments", [(), ("--help",), ("up", "--help"), ("status", "-h")])
def test_help_needs_nothing_installed(launch: Launch, arguments: tuple[str, ...]) -> None:
    shown = launch(*arguments)
    assert shown.returncode == 0
    assert shown.stdout.startswith("Usage: ./dagnix [--env NAME] COMMAND")


def test_help_lists_every_command(launch: Launch) -> None:
    listed = re.findall(r"^  (\w+) ", launch().stdout, re.MULTILINE)
    assert sorted(listed) == sorted(COMMANDS)


def test_unknown_command(launch: Launch) -> None:
    shown = launch("upp")
    assert shown.returncode == 1
    assert shown.stderr == "dagnix: There is no command upp: ./dagnix --help lists them.\n"


def test_tells_a_user_what_to_install(launch: Launch, program: Program) -> None:
    user(program, 1000)
    program("apt-get", "exit 9")
    shown = launch("up")
    first, second = shown.stderr.splitlines()
    assert shown.returncode == 1
    assert first.startswith("dagnix: Missing: git, nix (2.8 or later), podman (4.3 or later), ")
    assert second.startswith(
        "  sudo apt-get update && sudo apt-get install --no-install-recommends git nix-bin podman "
    )
    assert "python3 python3-pip" in second


def test_names_what_is_missing_without_apt(launch: Launch, program: Program) -> None:
    user(program, 0)
    shown = launch("up")
    assert shown.returncode == 1
    assert re.fullmatch(
        r"dagnix: Missing: git, nix .*, podman .*, python3 .*, pip.*\. "
        r"There is no apt here: install them and run this again\.\n",
        shown.stderr,
    )


def test_root_installs_with_apt_and_says_so(
    launch: Launch, program: Program, tmp_path: Path
) -> None:
    user(program, 0)
    calls = tmp_path / "calls"
    program("apt-get", f'echo "$DEBIAN_FRONTEND $*" >>{calls}; cat')
    shown = launch("up")
    update, install = calls.read_text().splitlines()
    assert update == "noninteractive -q update"
    assert install.startswith(
        "noninteractive -q install -y --no-install-recommends git nix-bin podman "
    )
    assert "dagnix: apt-get installs git nix-bin podman " in shown.stderr


def test_shows_why_apt_failed(launch: Launch, program: Program) -> None:
    user(program, 0)
    program("apt-get", "echo E: no such mirror >&2; exit 100")
    shown = launch("up")
    assert shown.returncode == 1
    assert "\nE: no such mirror\ndagnix: apt-get could not install git nix-bin" in shown.stderr


def test_doctor_needs_python_only(launch: Launch, program: Program) -> None:
    user(program, 0)
    program("python3", 'case $1 in -c) exit 0 ;; *) echo "$*" ;; esac')
    assert launch("doctor", "--fix").stdout == "-m dagnix doctor --fix\n"


def test_old_python(launch: Launch, program: Program) -> None:
    user(program, 0)
    program("python3", "case $1 in -V) echo Python 3.9.2 ;; *) exit 1 ;; esac")
    shown = launch("doctor")
    assert shown.returncode == 1
    assert "Python 3.11 or later is needed, and python3 is Python 3.9.2" in shown.stderr


def test_a_folder_that_is_no_git_checkout(launch: Launch, program: Program) -> None:
    user(program, 0)
    for name in TOOLS:
        program(name, "exit 0")
    program("git", "exit 128")
    shown = launch("fetch")
    assert shown.returncode == 1
    assert re.fullmatch(
        r"dagnix: \S+/checkout is not a git checkout, .* run `git init && git add \.` there "
        r"first\.\n",
        shown.stderr,
    )


def test_settings_are_for_this_process_only(launch: Launch, program: Program) -> None:
    user(program, 0)
    for name in TOOLS:
        program(name, "exit 0")
    program("python3", 'case $1 in -c) ;; *) echo "$NIX_CONFIG"; echo "$GIT_CONFIG_KEY_0" ;; esac')
    *nix_config, key = launch("fetch").stdout.splitlines()
    assert "extra-experimental-features = nix-command flakes" in nix_config
    assert "flake-registry =" in nix_config
    assert key == "safe.directory"
    build_users = Path("/etc/group").read_text().startswith("nixbld:") or (
        "\nnixbld:" in Path("/etc/group").read_text()
    )
    assert ("build-users-group =" in nix_config) != build_users


def test_builds_at_once_unless_the_user_says_how_many(
    launch: Launch, program: Program, tmp_path: Path
) -> None:
    user(program, 0)
    for name in TOOLS:
        program(name, "exit 0")
    program("python3", 'case $1 in -c) ;; *) echo "$NIX_CONFIG" ;; esac')
    system = Path("/etc/nix/nix.conf")
    if not (system.exists() and "max-jobs" in system.read_text()):
        assert "max-jobs = auto" in launch("fetch").stdout.splitlines()
    settings = tmp_path / ".config" / "nix" / "nix.conf"
    settings.parent.mkdir(parents=True)
    settings.write_text("max-jobs = 3\n")
    assert "max-jobs" not in launch("fetch").stdout


@pytest.mark.skipif(is_store_usable(), reason="the user of this test can build")
def test_a_user_without_a_store_is_told_both_ways(launch: Launch, program: Program) -> None:
    user(program, 1000)
    for name in TOOLS:
        program(name, "exit 0")
    shown = launch("fetch")
    assert shown.returncode == 1
    assert "nix-users ann" in shown.stderr
    assert "sudo install -d -o ann /nix" in shown.stderr


def test_works_on_another_project_than_its_own_folder(
    launch: Launch, program: Program, tmp_path: Path
) -> None:
    user(program, 0)
    project = tmp_path / "project"
    project.mkdir()
    for name in TOOLS:
        program(name, "exit 0")
    said = '"$DAGNIX_ROOT $DAGNIX_SOURCE $PYTHONPATH $PYTHONPYCACHEPREFIX $*"'
    program("python3", f"case $1 in -c) ;; *) echo {said} ;; esac")
    dagnix, pycache = tmp_path / "checkout", project / ".dagnix" / "pycache"
    assert launch("--project", str(project), "--env", "prod", "fetch", "--locked").stdout == (
        f"{project} {dagnix} {dagnix}/src {pycache} -m dagnix fetch --locked\n"
    )


def test_a_project_has_no_need_of_the_tools_of_dagnixs_own_tests(
    launch: Launch, program: Program, tmp_path: Path
) -> None:
    user(program, 0)
    (tmp_path / "project").mkdir()
    assert "chromium" in launch("test").stderr
    missing = launch("--project", str(tmp_path / "project"), "test").stderr
    assert missing.startswith("dagnix: Missing: git, nix")
    assert "chromium" not in missing


def test_the_bench_alone_needs_what_makes_the_ordinary_way(
    launch: Launch, program: Program
) -> None:
    user(program, 0)
    assert "mmdebstrap, rsvg-convert" in launch("bench").stderr
    assert "mmdebstrap" not in launch("build").stderr


def test_builds_itself_once_and_again_after_a_change(
    launch: Launch, program: Program, tmp_path: Path
) -> None:
    user(program, 0)
    root = tmp_path / "checkout"
    for name in ("flake.nix", "flake.lock", "VERSION", "nix", "src/dagnix"):
        (root / name).touch()
    for name in TOOLS:
        program(name, "exit 0")
    built = root / ".dagnix" / "roots" / "cli" / "bin" / "dagnix"
    program(
        "nix",
        f'echo building; mkdir -p {built.parent}; echo "echo ran \\$*" >{built}; '
        f"{shutil.which('chmod')} +x {built}",
    )
    assert launch("status", "--json").stdout == "building\nran status --json\n"
    assert launch("status").stdout == "ran status\n"
    os.utime(root / "src/dagnix", ns=(built.stat().st_mtime_ns + 10**9,) * 2)
    assert launch("status").stdout == "building\nran status\n"


def test_a_checkout_of_another_user_is_trusted_without_his_git_config(
    launch: Launch, program: Program, tmp_path: Path
) -> None:
    user(program, 0)
    program("stat", "echo 1000")
    for name in TOOLS:
        program(name, "exit 0")
    calls = tmp_path / "calls"
    program("git", f'echo "$*" >>{calls}')
    program("python3", "case $1 in -c) ;; *) nix build ;; esac")
    program("nix", 'echo "$XDG_CONFIG_HOME"; echo "$NIX_USER_CONF_FILES"; echo "$*"')
    root = tmp_path / "checkout"
    (root / ".git").mkdir()
    trust = root / ".dagnix" / "trust"
    assert launch("fetch").stdout.splitlines() == [
        str(trust),
        f"{tmp_path}/.config/nix/nix.conf",
        "build",
    ]
    assert calls.read_text() == f"config --file {trust}/git/config safe.directory {root}\n"


def placed(launch: Launch, tmp_path: Path, name: str, *words: str) -> tuple[int, str]:
    """Run the launcher on a checkout in a folder of this name; return its exit code and words."""
    (tmp_path / name).mkdir(parents=True)
    shown = launch("--project", str(tmp_path / name), *words)
    return shown.returncode, shown.stderr


@pytest.mark.parametrize("name", ["a b", "ü", "a#b", "a?b", "a:b", "a%20b", "a[b", "a\\b", "a\nb"])
@pytest.mark.parametrize("command", ["up", "fetch"])
def test_a_path_that_nix_or_podman_cannot_take_is_refused_before_anything_starts(
    launch: Launch, program: Program, tmp_path: Path, command: str, name: str
) -> None:
    user(program, 0)
    code, said = placed(launch, tmp_path, name, command)
    assert code == 1
    assert said.startswith(f"dagnix: Nix and podman do not work in {tmp_path / name}: move it")
    assert said.count(". ") == 0
    assert not (tmp_path / name / ".dagnix").exists()


@pytest.mark.parametrize("name", ["A-z_0.9~", "user@example.org", "it's", "a+b=c,d"])
def test_other_paths_are_taken(launch: Launch, program: Program, tmp_path: Path, name: str) -> None:
    user(program, 0)
    code, said = placed(launch, tmp_path, name, "fetch")
    assert code == 1
    assert said.startswith("dagnix: Missing: git, nix")


@pytest.mark.parametrize("command", ["up", "fetch", "status"])
def test_a_checkout_that_cannot_be_written_is_one_sentence(
    launch: Launch, program: Program, tmp_path: Path, command: str
) -> None:
    user(program, 1000)
    # Root may write everywhere; nobody makes a folder where there is a file.
    (tmp_path / "checkout" / ".dagnix").touch()
    shown = launch(command)
    assert shown.returncode == 1
    assert shown.stderr == (
        f"dagnix: {tmp_path}/checkout/.dagnix cannot be written, and Dagnix keeps there what "
        f"belongs to this host: make {tmp_path}/checkout writable for ann, or clone it to a place "
        "that is.\n"
    )
