"""Tells the entrypoint whose output it reads, when the log of the container is JSON.

With DAGNIX_LOG_FORMAT=json the entrypoint is the parent of all processes here, and writes each line
that they print as JSON (src/entrypoint/internal/logs). It takes pipes at a Unix socket, with whose
output they have: so a run's process, and what copies the output of a step, write to pipes of their
own, and their lines have the run, the job and the step. Without the socket nothing is done here.

This module has the standard library only.
"""

import json
import os
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

SOCKET_VARIABLE = "DAGNIX_LOG_SOCKET"
JOB_VARIABLE = "DAGSTER_RUN_JOB_NAME"  # Dagster's own
SECONDS = 5.0
PACKET_BYTES = 60_000  # more steps are not named
STREAMS = {1: "stdout", 2: "stderr"}


class _Pipe:
    """The end of a pipe to write to, and the connection over which it was given to the entrypoint.

    Raises OSError when the entrypoint does not take it.
    """

    def __init__(self, number: int, run_id: str, steps: Sequence[str]) -> None:
        self._stream = STREAMS[number]
        self._connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._connection.settimeout(SECONDS)
        reading, self.file = os.pipe()
        try:
            name = os.environ[SOCKET_VARIABLE]
            self._connection.connect(f"\0{name.removeprefix('@')}")
            job = os.environ.get(JOB_VARIABLE, "")
            self._tell([reading], run_id=run_id, job_name=job, steps=list(steps))
        except OSError:
            self.close()
            raise
        finally:
            os.close(reading)

    def name_steps(self, steps: Sequence[str]) -> None:
        """Say that what is written from now on is of these steps."""
        with suppress(OSError):
            self._tell([], steps=list(steps))

    def close(self) -> None:
        """Close it here; who has inherited it can still write."""
        self.close_file()
        self._connection.close()

    def close_file(self) -> None:
        """Close the end to write to, and keep the connection."""
        if self.file >= 0:
            os.close(self.file)
            self.file = -1

    def _tell(self, files: Sequence[int], **labels: object) -> None:
        text = json.dumps({"stream": self._stream, **labels}).encode()
        if len(text) > PACKET_BYTES:
            text = json.dumps({"stream": self._stream, **labels, "steps": []}).encode()
        socket.send_fds(self._connection, [text], list(files))
        if not self._connection.recv(16):  # it is so, for all that is written after this
            raise ConnectionResetError("the entrypoint does not take a pipe")


def _pipe(number: int, run_id: str, steps: Sequence[str] = ()) -> _Pipe | None:
    if SOCKET_VARIABLE in os.environ:
        with suppress(OSError):  # then it goes where it went before, which is JSON as well
            return _Pipe(number, run_id, steps)
    return None


def label_process(run_id: str, steps: Sequence[str] = ()) -> None:
    """Label all that this process prints from now on: it executes a run, or steps of one."""
    for number, stream in ((1, sys.stdout), (2, sys.stderr)):
        if pipe := _pipe(number, run_id, steps):
            stream.flush()
            os.dup2(pipe.file, number)
            pipe.close()


_captured: list[_Pipe] = []


@contextmanager
def captured(number: int, run_id: str) -> Iterator[_Pipe | None]:
    """Make a pipe for what copies a captured stream of a run; None if the log is not JSON."""
    pipe = _pipe(number, run_id) if run_id else None
    if pipe is None:
        yield None
        return
    _captured.append(pipe)
    try:
        yield pipe
    finally:
        _captured.remove(pipe)
        pipe.close()


def name_steps(steps: Sequence[str]) -> None:
    """Say which steps this process executes, whose output is being captured."""
    for pipe in _captured:
        pipe.name_steps(steps)
