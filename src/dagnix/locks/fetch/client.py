"""A download client of an ecosystem (apt-helper, pip, …) while it runs."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


class Client:
    """A started program, and what it prints, in English, into a file.

    It runs in a session of its own, so that Ctrl-C leaves its files in place until they are kept.
    """

    def __init__(
        self, command: Sequence[str], output: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self._output = output
        with output.open("wb") as stream:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                env={**os.environ, "LC_ALL": "C.UTF-8", **(environment or {})},
                start_new_session=True,
            )

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.poll() is None

    @property
    def output(self) -> str:
        """All that it has printed so far."""
        return self._output.read_text(errors="replace")

    def wait(self) -> bool:
        """Wait for its end; return whether it was well."""
        return self._process.wait() == 0

    def stop(self) -> None:
        """End it and what it started, if it still runs."""
        if self.running:
            with contextlib.suppress(ProcessLookupError):
                # It may have been told to ignore all others.
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
