"""The Unix socket that a run server takes requests at."""

import json
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from dagster_dagnix.protocol import CHUNK_BYTES
from dagster_dagnix.server.loop import Loop, Timer

LARGEST_BYTES = 64 << 20
REQUEST_SECONDS = 10
ANSWER_SECONDS = 0.5  # to write it; a client that does not read it must not hold up others

Answer = Callable[[dict[str, Any]], None]
Handle = Callable[[dict[str, Any], Answer], None]


class Listener:
    """Takes requests, each on a connection of its own; they may be answered later."""

    def __init__(self, loop: Loop, path: Path, handle: Handle) -> None:
        self._loop, self._path, self._handle = loop, path, handle
        try:
            self._listen()
        except OSError as error:
            raise SystemExit(
                f"The run server cannot make its socket {path}: {error.strerror or error}. "
                "--sockets must name a folder that this user can write, with a short path."
            ) from error

    def look(self) -> None:
        """Listen again if somebody has removed the socket."""
        try:
            is_there = self._path.stat().st_ino == self._inode
        except OSError:
            is_there = False
        if not is_there:
            self.close()
            self._listen()

    def close(self) -> None:
        """Listen no more."""
        self._loop.close_file(self._socket)
        with suppress(OSError):
            if self._path.stat().st_ino == self._inode:
                self._path.unlink()

    def _listen(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        # Renamed when it listens, as a socket that refuses is taken for one of a dead server.
        beside = self._path.with_suffix(".new")
        beside.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX)
        mask = os.umask(0o177)
        try:
            self._socket.bind(str(beside))
        finally:
            os.umask(mask)
        self._socket.listen(128)
        self._socket.setblocking(False)
        beside.rename(self._path)
        self._inode = self._path.stat().st_ino
        self._loop.watch(self._socket, self._accept)

    def _accept(self) -> None:
        with suppress(BlockingIOError):
            connection, _ = self._socket.accept()
            _Connection(self._loop, connection, self._handle)


class _Connection:
    def __init__(self, loop: Loop, connection: socket.socket, handle: Handle) -> None:
        self._loop, self._connection, self._handle = loop, connection, handle
        self._text = bytearray()
        connection.setblocking(False)
        loop.watch(connection, self._read)
        self._limit: Timer = loop.later(REQUEST_SECONDS, self._close)

    def _read(self) -> None:
        try:
            part = self._connection.recv(CHUNK_BYTES)
        except BlockingIOError:
            return
        except OSError:
            part = b""
        self._text += part
        if not part or len(self._text) > LARGEST_BYTES:
            self._close()
        elif self._text.endswith(b"\n"):
            self._loop.forget(self._connection)
            self._limit.cancel()
            self._take()

    def _take(self) -> None:
        try:
            request = json.loads(self._text)
            self._handle(request, self._answer)
        except KeyError as error:
            self._answer({"error": f"The request lacks {error}."})
        except Exception as error:  # noqa: BLE001 - whoever asked is to know
            self._answer({"error": f"The run server could not do that: {error!r}"})

    def _answer(self, answer: dict[str, Any]) -> None:
        with suppress(OSError):
            self._connection.settimeout(ANSWER_SECONDS)
            self._connection.sendall(json.dumps(answer).encode() + b"\n")
        self._loop.close_file(self._connection)

    def _close(self) -> None:
        self._limit.cancel()
        self._loop.close_file(self._connection)
