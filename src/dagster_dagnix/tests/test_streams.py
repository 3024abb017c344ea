"""Whose output the entrypoint is told that it reads, where the log is JSON."""

import json
import os
import socket
import tempfile
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from harness import Served, World, until

from dagster_dagnix import streams


class Entrypoint:
    """Takes pipes as src/entrypoint/internal/logs does, and keeps their lines with their labels."""

    def __init__(self) -> None:
        self.name = f"@dagnix-test-{uuid.uuid4().hex}"
        self.lines: list[tuple[bytes, dict[str, Any]]] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.bind(f"\0{self.name[1:]}")
        self._socket.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def labels(self, line: bytes) -> list[dict[str, Any]]:
        """Return the labels of all lines that have something in them."""
        return [labels for text, labels in self.lines if line in text]

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        text, (pipe,), _, _ = socket.recv_fds(connection, 1 << 16, 1)
        labels = json.loads(text)
        threading.Thread(target=self._read, args=(pipe, labels), daemon=True).start()
        connection.send(b"{}")
        while text := connection.recv(1 << 16):
            labels |= json.loads(text)
            connection.send(b"{}")

    def _read(self, pipe: int, labels: dict[str, Any]) -> None:
        with os.fdopen(pipe, "rb") as file:
            for line in file:
                self.lines.append((line, dict(labels)))


@pytest.fixture(scope="module")
def entrypoint() -> Iterator[Entrypoint]:
    made = Entrypoint()
    yield made
    made.close()


@pytest.fixture(scope="module")
def served(database: Path, entrypoint: Entrypoint) -> Iterator[Served]:
    """A run server of an instance that captures what steps print as Dagnix does."""
    with tempfile.TemporaryDirectory(prefix="dagnix-") as folder:
        logs = {"base_dir": f"{folder}/compute_logs"}
        manager = {"module": "dagster_dagnix", "class": "DagnixComputeLogManager", "config": logs}
        world = World(Path(folder), database, {"compute_logs": manager})
        begun = Served(world, "streams", DAGNIX_LOG_SOCKET=entrypoint.name)
        try:
            yield begun.ready()
        finally:
            begun.kill()
            world.instance.dispose()


def labels(entrypoint: Entrypoint, line: str) -> dict[str, Any]:
    """Return the labels of the one line that has something in it, once it is there."""
    (found,) = until(lambda: entrypoint.labels(line.encode()), f"the line {line}")
    return found


@pytest.mark.parametrize("job", ["says", "says_in_process"])
def test_lines_of_a_run_have_its_run_its_job_and_its_steps(
    served: Served, entrypoint: Entrypoint, job: str
) -> None:
    entrypoint.lines.clear()
    world = served.world
    run = world.launch(world.run(served.location, job))
    world.wait(run, "SUCCESS")
    of_run = {"run_id": run.run_id, "job_name": job}
    both = ["say", "say_at_last"]
    for line, stream, step in (
        ("printed by say\n", "stdout", "say"),
        ("written by say: {", "stderr", "say"),
        ("logged by say", "stderr", "say"),
        ("printed by say_at_last 0", "stdout", "say_at_last"),
    ):
        steps = [step] if job == "says" else both
        assert labels(entrypoint, line) == {"stream": stream, **of_run, "steps": steps}
    # What is no step's is the run's all the same.
    assert labels(entrypoint, "RUN_SUCCESS") == {"stream": "stderr", **of_run, "steps": []}


def test_without_a_socket_nothing_is_labelled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(streams.SOCKET_VARIABLE, raising=False)
    before = os.fstat(1), os.fstat(2)
    streams.label_process("run")
    with streams.captured(1, "run") as pipe:
        assert pipe is None
    assert (os.fstat(1), os.fstat(2)) == before


def end_one(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    connection.close()


@pytest.mark.parametrize("listens", [True, False])
def test_an_entrypoint_that_takes_nothing_costs_no_output(
    monkeypatch: pytest.MonkeyPatch, *, listens: bool
) -> None:
    name = f"dagnix-test-{uuid.uuid4().hex}"
    monkeypatch.setenv(streams.SOCKET_VARIABLE, f"@{name}")
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(f"\0{name}")
        if listens:
            listener.listen()
            threading.Thread(target=end_one, args=(listener,), daemon=True).start()
        with streams.captured(1, "run") as pipe:
            assert pipe is None


def test_more_steps_than_a_packet_holds_are_not_named(
    monkeypatch: pytest.MonkeyPatch, entrypoint: Entrypoint
) -> None:
    entrypoint.lines.clear()
    monkeypatch.setenv(streams.SOCKET_VARIABLE, entrypoint.name)
    with streams.captured(1, "run") as pipe:
        assert pipe
        streams.name_steps(["only"])
        os.write(pipe.file, b"first\n")
        assert labels(entrypoint, "first")["steps"] == ["only"]
        streams.name_steps([f"step_{number}" for number in range(10_000)])
        os.write(pipe.file, b"second\n")
        assert labels(entrypoint, "second")["steps"] == []
