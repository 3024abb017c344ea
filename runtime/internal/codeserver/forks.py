"""Import Dagster, and leave a process beside the code server that forks for who needs just that.

Importing Dagster takes a second and a half of CPU, and an inner server is started at every reload.
So it is done once, here, before the code server begins in this process. A fork of it waits on a
socket: who connects sends a request, a line of JSON, with the files that what is asked for has open
and their numbers there. A fork of that one becomes what was asked for. The answers are its process
number, and when it has ended its exit code, a line each. It is killed when the connection is
closed.
"""

import array
import fcntl
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
import threading
from contextlib import suppress
from multiprocessing import popen_spawn_posix, spawn
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, NoReturn

# What an inner server or a check imports before the project, and what loading any project imports.
NEEDED = (
    "dagster._cli.api",
    "dagster._core.definitions.antlr_asset_selection.antlr_asset_selection",
    "dagster._grpc.server",
    "dagster._utils.test.definitions",
    "dagster.components.core.snapshot",
    "dagster_postgres",
    "psycopg2.extras",
    "upath",
)
FILES = 253  # as many as Linux takes in one message (SCM_MAX_FD)
CHUNK_BYTES = 1 << 16


def folders(path: str) -> list[str]:
    """Return the folders of PYTHONPATH."""
    return [folder for folder in path.split(os.pathsep) if folder]


# Python's own. What is imported here is not to come from the project.
own_path = [
    folder
    for folder in sys.path
    if folder and folder not in folders(os.environ.get("PYTHONPATH", ""))
]


def listen(path: str) -> socket.socket:
    """Return a socket that only this user can connect to."""
    beside = Path(f"{path}-{os.getpid()}")
    listener = socket.socket(socket.AF_UNIX)
    mask = os.umask(0o077)
    listener.bind(str(beside))
    os.umask(mask)
    listener.listen()
    beside.rename(path)  # in place of one that nobody listens on; it is there when this one does
    return listener


def import_dagster() -> None:
    """Import what forks need, and have them share its memory."""
    gc.disable()  # it finds nothing, in a tenth of the time that this takes
    sys.path, whole = own_path[:], sys.path
    for module in NEEDED:
        with suppress(ModuleNotFoundError):  # in a code location's older Dagster
            importlib.import_module(module)
    sys.path = whole
    gc.freeze()
    gc.enable()


def wait_for_requests(listener: socket.socket, code_server: int) -> socket.socket:
    """Return the connection of a request, in a fork for it. End with the code server."""
    poll = select.poll()
    poll.register(listener, select.POLLIN)
    poll.register(code_server, 0)  # for its end alone, as connections are
    # By their file descriptors; forks by those of their connections, too.
    connections: dict[int, socket.socket] = {}
    forks: dict[int, int] = {}
    while True:
        for file, _ in poll.poll():
            if file == code_server:
                os._exit(0)
            if file == listener.fileno():
                connection, _ = listener.accept()
                try:
                    pid = os.fork()
                except OSError:  # the container has as many processes as it may have
                    connection.close()
                    continue
                if pid == 0:
                    # Not at its end, when the number may be another file's.
                    listener.close()
                    return connection
                ended = os.pidfd_open(pid)
                connections[ended] = connection
                forks[ended] = forks[connection.fileno()] = pid
                poll.register(ended, select.POLLIN)
                poll.register(connection, 0)
                tell(connection, pid)
            elif connection := connections.pop(file, None):
                _, status = os.waitpid(forks.pop(file), 0)
                tell(connection, os.waitstatus_to_exitcode(status))
                if forks.pop(connection.fileno(), None):
                    poll.unregister(connection)
                poll.unregister(file)
                os.close(file)
                connection.close()
            elif pid := forks.pop(file, None):  # it may have ended just now
                os.kill(pid, signal.SIGKILL)
                poll.unregister(file)


def rename(name: str) -> None:
    """Show this process under a name of at most 15 characters."""
    Path("/proc/self/comm").write_text(name)


def tell(connection: socket.socket, number: int) -> None:
    """Answer, if somebody is still there."""
    with suppress(OSError):
        connection.sendall(f"{number}\n".encode())


def receive(connection: socket.socket) -> tuple[dict[str, Any], "array.array[int]"]:
    """Return the request, and its files."""
    files = array.array("i")
    text = b""
    while not text.endswith(b"\n"):
        room = socket.CMSG_LEN(FILES * files.itemsize)
        part, extras, _, _ = connection.recvmsg(CHUNK_BYTES, room)
        if not part:
            os._exit(1)
        text += part
        for _, _, data in extras:
            files.frombytes(data)
    return json.loads(text), files


def have_open(files: dict[int, int]) -> None:
    """Have just these files open, each as the number that it is under."""
    above = max(files) + 1
    apart = {number: fcntl.fcntl(file, fcntl.F_DUPFD, above) for number, file in files.items()}
    for number, file in apart.items():
        os.dup2(file, number)
    for entry in list(Path("/proc/self/fd").iterdir()):
        if int(entry.name) not in files:
            with suppress(OSError):  # that of the folder that was listed
                os.close(int(entry.name))


def start_dagsters_own_through(runtime: str) -> None:
    """Have the runs of an inner server, and the steps of a run, started by the entrypoint.

    They are processes of multiprocessing whose target is a function of Dagster's. What the user's
    code starts is left as it is: it may look at the process number, which here would be the
    entrypoint's, and it inherits more than a fork of this process does.
    """
    launch = popen_spawn_posix.Popen._launch  # noqa: SLF001 - no hook knows the process
    executable, chosen = spawn.get_executable, threading.local()

    def launch_by(popen: popen_spawn_posix.Popen, process: BaseProcess) -> None:
        module = getattr(process._target, "__module__", None) or ""  # noqa: SLF001
        chosen.runtime = os.fsencode(runtime) if module.startswith("dagster.") else None
        try:
            launch(popen, process)
        finally:
            chosen.runtime = None

    popen_spawn_posix.Popen._launch = launch_by  # noqa: SLF001
    spawn.get_executable = lambda: getattr(chosen, "runtime", None) or executable()


def become(connection: socket.socket, runtime: str) -> NoReturn:
    """Become what a request asks for."""
    request, files = receive(connection)
    connection.close()  # as the listener; who forks has it open, too
    have_open(dict(zip(request["files"], files, strict=True)))
    start_dagsters_own_through(runtime)
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    modules = folders(os.environ.get("PYTHONPATH", ""))
    sys.path[:] = [request["folder"], *modules, *own_path]
    importlib.invalidate_caches()
    sys.argv[:] = ["-c", *request["arguments"]]
    rename(request["name"])
    exec(request["program"], {"__name__": "__main__"})  # noqa: S102 - that is what it is for
    sys.exit()


def main() -> None:
    """Leave this process to the code server."""
    path, runtime = sys.argv.pop(1), sys.argv.pop(1)
    listener = listen(path)
    import_dagster()
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.close(writing)
        rename("forks")
        become(wait_for_requests(listener, reading), runtime)
    listener.close()
    os.close(reading)  # `writing` stays open until this process ends
    # The code server starts inner ones as `sys.executable -m dagster api grpc` (Dagster 1.13).
    sys.executable = runtime


main()
