"""forks.py: one process imports Dagster, and those that need it are forks of it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
PROGRAM = ROOT / "runtime/internal/codeserver/forks.py"
# What the code server's process does after it: says how it starts Python, and goes on.
CODE_SERVER = "\nprint(sys.executable, *sys.argv, flush=True); sys.stdin.read()"
SECONDS = 120  # however slow the machine is


# What stands before it, so that the process that forks cannot do so the first time.
NO_ROOM = """
import errno, os
answers = iter([os.fork, None, os.fork])
def fork():
    if (answer := next(answers)) is None:
        raise OSError(errno.EAGAIN, "no room for one more")
    return answer()
os.fork = fork
"""


@pytest.fixture
def code_server(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[subprocess.Popen[str]]:
    before = getattr(request, "param", "")
    project = tmp_path / "project"
    project.mkdir()
    # The project is not to be imported, here least of all in place of what Dagster needs.
    (project / "yaml.py").write_text("raise RuntimeError('that is the project')")
    # What ignores signals has its children ignore them.
    words = [
        "env",
        "--default-signal=TERM",
        sys.executable,
        "-c",
        before + PROGRAM.read_text() + CODE_SERVER,
    ]
    server = subprocess.Popen(
        [*words, tmp_path / "forks", "/bin/runtime", "code-server"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(project)},
    )
    yield server
    server.kill()
    server.communicate()


class Fork:
    """A fork that was asked for, with its standard output and error in a file.

    `files` are those that it has beside these, by their numbers there.
    """

    def __init__(
        self, folder: Path, program: str, files: dict[int, int] | None = None, **environment: str
    ) -> None:
        self.connection = socket.socket(socket.AF_UNIX)
        self.connection.settimeout(SECONDS)
        eventually((folder / "forks").exists)
        self.connection.connect(str(folder / "forks"))
        request = {
            "name": "a-fork",
            "program": program,
            "arguments": ["one", "two"],
            "environment": environment,
            "files": [0, 1, 2, *(files or {})],
            "folder": str(folder),
        }
        self.said = folder / f"said-{time.monotonic_ns()}"
        with self.said.open("w") as said, Path(os.devnull).open() as nothing:
            opened = [nothing.fileno(), said.fileno(), said.fileno(), *(files or {}).values()]
            text = json.dumps(request).encode() + b"\n"
            # More than one message, as a large environment takes.
            socket.send_fds(self.connection, [text[:9]], opened)
            self.connection.sendall(text[9:])
        self.answers = self.connection.makefile()
        self.pid = int(self.answers.readline())

    def exit_code(self) -> int:
        return int(self.answers.readline())


def eventually(true: Callable[[], Any]) -> None:
    end = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def is_there(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.usefixtures("code_server")
def test_a_fork_has_dagster_and_is_what_was_asked_for(tmp_path: Path) -> None:
    program = """
import os, sys
from pathlib import Path
print('dagster._grpc.server' in sys.modules, sys.executable.endswith('runtime'))
print(os.getcwd(), *sys.argv, os.environ['NAME'], 'HOME' in os.environ)
print(Path('/proc/self/comm').read_text().strip(), sys.path[:2], __name__)
print(sorted(int(file) for file in os.listdir('/proc/self/fd')))
sys.exit(7)
"""
    fork = Fork(tmp_path, program, NAME="value", PYTHONPATH="/the/modules")
    assert fork.exit_code() == 7
    assert fork.said.read_text().splitlines() == [
        "True False",
        f"{tmp_path} -c one two value False",
        f"a-fork ['{tmp_path}', '/the/modules'] __main__",
        "[0, 1, 2, 3]",  # the last is that of the folder that is listed
    ]


@pytest.mark.usefixtures("code_server")
def test_a_fork_has_more_files_under_the_numbers_that_they_have_elsewhere(tmp_path: Path) -> None:
    # Numbers that the files have on their way, too, in another order.
    numbers = range(20, 2, -1)
    program = f"import os; [os.write(number, b'%d' % number) for number in {numbers}]"
    with ExitStack() as opened:
        files = {n: opened.enter_context((tmp_path / f"file-{n}").open("w")) for n in numbers}
        fork = Fork(tmp_path, program, {n: file.fileno() for n, file in files.items()})
        assert fork.exit_code() == 0
    assert {n: (tmp_path / f"file-{n}").read_text() for n in numbers} == {
        n: str(n) for n in numbers
    }


@pytest.mark.usefixtures("code_server")
def test_a_fork_has_its_files_until_its_end(tmp_path: Path) -> None:
    program = """
import atexit, os
files = [os.open('/dev/null', os.O_RDONLY) for _ in range(9)]
atexit.register(lambda: print(len([os.fstat(file) for file in files])))
"""
    fork = Fork(tmp_path, program)
    assert fork.exit_code() == 0
    assert fork.said.read_text() == "9\n"


@pytest.mark.usefixtures("code_server")
def test_what_dagster_spawns_is_a_fork_and_what_the_user_spawns_is_not(tmp_path: Path) -> None:
    program = """
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from dagster._grpc.impl import start_run_in_subprocess
from multiprocessing import util
with ProcessPoolExecutor(1, max_tasks_per_child=1) as pool:
    print(*pool.map(len, ['a', 'bb', 'ccc']))
util.spawnv_passfds = lambda program, *_: print(program) or 1
multiprocessing.get_context('spawn').Process(target=start_run_in_subprocess).start()
"""
    fork = Fork(tmp_path, program)
    assert fork.exit_code() == 0
    assert fork.said.read_text().splitlines() == ["1 2 3", "b'/bin/runtime'"]


@pytest.mark.usefixtures("code_server")
@pytest.mark.parametrize("code_server", [NO_ROOM], indirect=True)
def test_who_cannot_have_a_fork_is_told_at_once_and_others_have_theirs(tmp_path: Path) -> None:
    with pytest.raises(ConnectionError):
        Fork(tmp_path, "")
    assert Fork(tmp_path, "").exit_code() == 0


@pytest.mark.usefixtures("code_server")
def test_forks_are_apart(tmp_path: Path) -> None:
    waits = Fork(tmp_path, "import time; time.sleep(600)")
    fails = Fork(tmp_path, "raise ValueError('no')")
    assert fails.exit_code() == 1
    assert "ValueError: no" in fails.said.read_text()
    assert is_there(waits.pid)
    os.kill(waits.pid, signal.SIGTERM)
    assert waits.exit_code() == -signal.SIGTERM


@pytest.mark.usefixtures("code_server")
def test_a_fork_ends_with_who_asked_for_it(tmp_path: Path) -> None:
    fork = Fork(tmp_path, "import time; time.sleep(600)")
    other = Fork(tmp_path, "import time; time.sleep(600)")
    fork.answers.close()
    fork.connection.close()
    eventually(lambda: not is_there(fork.pid))
    assert is_there(other.pid)


def test_the_code_server_goes_on_in_its_process(
    tmp_path: Path, code_server: subprocess.Popen[str]
) -> None:
    assert code_server.stdout is not None
    assert code_server.stdout.readline() == "/bin/runtime -c code-server\n"
    parent = Fork(tmp_path, "import os; print(os.getppid())")
    assert parent.exit_code() == 0
    imports = int(parent.said.read_text())
    assert is_there(imports)
    code_server.kill()
    eventually(lambda: not is_there(imports))


@pytest.mark.usefixtures("code_server")
def test_only_this_user_may_ask(tmp_path: Path) -> None:
    eventually((tmp_path / "forks").exists)
    assert (tmp_path / "forks").stat().st_mode & 0o777 == 0o700
