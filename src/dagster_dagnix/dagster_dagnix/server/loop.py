"""One thread's loop over files, timers, signals and processes."""

import heapq
import itertools
import os
import selectors
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

File = int | socket.socket
SIGNALS = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}


@dataclass(frozen=True)
class Fork:
    """What a fork does, and the name that it is shown under, of at most 15 characters."""

    name: str
    do: Callable[[], int]  # returns the exit code


class Forked(BaseException):
    """Raised in a fork, for `main` to have it do its own once the loop's frames are gone."""

    def __init__(self, fork: Fork, parent: int, keep: int | None) -> None:
        super().__init__()
        self.fork, self.parent, self.keep = fork, parent, keep


@dataclass
class Timer:
    """Something that happens later, unless it is cancelled."""

    callback: Callable[[], None]
    is_cancelled: bool = False

    def cancel(self) -> None:
        """Have it not happen."""
        self.is_cancelled = True


class Loop:
    """Calls back when a file can be read, when it is time, at signals, at the end of processes."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._timers: list[tuple[float, int, Timer]] = []
        self._numbers = itertools.count()
        self._signals: dict[int, Callable[[], None]] = {}
        self._is_stopped = False
        # All that is open, watched or not: closed in forks by these objects, as another file may
        # have the number when the garbage collector does.
        self._files: set[File] = set()
        self._woken, self._waker = socket.socketpair()
        self._woken.setblocking(False)
        self._waker.setblocking(False)
        self._files.add(self._waker)
        self.watch(self._woken, self._on_signals)

    def watch(self, file: File, callback: Callable[[], None]) -> None:
        """Call back whenever a file can be read. It is closed by [close_file]."""
        self._files.add(file)
        self._selector.register(file, selectors.EVENT_READ, callback)

    def forget(self, file: File) -> None:
        """No longer watch a file, which stays open."""
        self._selector.unregister(file)

    def close_file(self, file: File) -> None:
        """Close a file, watched or not."""
        self._files.discard(file)
        if isinstance(file, int):
            with suppress(KeyError):
                self._selector.unregister(file)
            os.close(file)
        elif file.fileno() >= 0:
            with suppress(KeyError):
                self._selector.unregister(file)
            file.close()

    def later(self, seconds: float, callback: Callable[[], None]) -> Timer:
        """Call back once, so many seconds from now."""
        timer = Timer(callback)
        heapq.heappush(self._timers, (time.monotonic() + seconds, next(self._numbers), timer))
        return timer

    def on_signal(self, number: signal.Signals, callback: Callable[[], None]) -> None:
        """Call back at each of these signals."""
        self._signals[number] = callback
        signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        signal.signal(number, lambda *_: None)

    def fork(self, fork: Fork, ended: Callable[[int], None], keep: int | None = None) -> int:
        """Fork, and return the process number.

        The fork raises Forked, so that it begins in `main`, with just the file `keep` and the
        standard ones open. `ended` is called when the process has ended and was not waited for.
        Raises OSError when there can be no more processes.
        """
        sys.stdout.flush()
        sys.stderr.flush()
        parent = os.getpid()
        # A signal to the fork must not come before it has handlers of its own: those of here would
        # tell this loop.
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        try:
            pid = os.fork()
            if pid == 0:
                raise Forked(fork, parent, keep)
        finally:
            if os.getpid() == parent:
                signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        self.watch_process(pid, ended)
        return pid

    def watch_process(self, pid: int, ended: Callable[[int], None]) -> None:
        """Call back with the number of a child process that has ended; it is to be waited for."""
        file = os.pidfd_open(pid)

        def has_ended() -> None:
            self.close_file(file)
            ended(pid)

        self.watch(file, has_ended)

    def run(self) -> None:
        """Call back until it is stopped. An exception in what is called is shown, and no more."""
        while not self._is_stopped:
            for key, _ in self._selector.select(self._pause()):
                # One of those before may have taken this one out, or put another one in its place.
                if self._selector.get_map().get(key.fileobj) is key:
                    self._call(key.data)
            while self._timers and self._timers[0][0] <= time.monotonic():
                _, _, timer = heapq.heappop(self._timers)
                if not timer.is_cancelled:
                    self._call(timer.callback)

    def stop(self) -> None:
        """End `run` after what is being called."""
        self._is_stopped = True

    def close(self, keep: int | None) -> None:
        """Close all files but the standard ones and `keep`, in a fork."""
        # First, and without taking files out of it: the fork shares it with the run server.
        self._selector.close()
        for file in self._files:
            if isinstance(file, int):
                os.close(file)
            else:
                file.close()
        for entry in list(Path("/proc/self/fd").iterdir()):
            if int(entry.name) > 2 and int(entry.name) != keep:
                with suppress(OSError):  # that of the folder that was listed
                    os.close(int(entry.name))

    def _pause(self) -> float | None:
        if not self._timers:
            return None
        return max(0.0, self._timers[0][0] - time.monotonic())

    def _call(self, callback: Callable[[], None]) -> None:
        try:
            callback()
        except Exception:  # noqa: BLE001 - the next one may do better, and runs depend on this
            traceback.print_exc()

    def _on_signals(self) -> None:
        for number in self._woken.recv(100):
            self._signals[number]()
