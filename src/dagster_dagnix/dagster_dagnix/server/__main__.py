"""The run server's program: see dagster_dagnix/README.md."""

import argparse
import gc
import os
import socket
import sys
import threading
import uuid
from collections.abc import Sequence

from dagster_dagnix import size
from dagster_dagnix.protocol import MEMORY_VARIABLE, RunServer, folder_of
from dagster_dagnix.server import imports, process
from dagster_dagnix.server.loop import Forked, Loop
from dagster_dagnix.server.monitoring import check_kill_seconds
from dagster_dagnix.server.server import Server, Settings
from dagster_dagnix.server.workers import MemoryLimit

KILL_VARIABLE, KILL_SECONDS = "DAGNIX_KILL_SECONDS", 120.0


def parse(arguments: Sequence[str]) -> Settings:
    """Read the command line, DAGNIX_KILL_SECONDS and DAGNIX_RUN_MEMORY."""
    words = list(arguments)
    end = words.index("--") if "--" in words else len(words)
    parser = argparse.ArgumentParser(
        prog="python -m dagster_dagnix.server",
        usage="%(prog)s --sockets DIR --location NAME [--prepare PROGRAM ...] [--watch FOLDER] "
        "[-- OPTIONS of dagster api grpc]",
        description="Serve the code of a location and execute its runs.",
    )
    parser.add_argument("--sockets", required=True, help="the folder with those of all locations")
    parser.add_argument("--location", required=True, help="the name of the code location")
    parser.add_argument("--prepare", nargs="+", default=[], help="says what to load, as JSON")
    parser.add_argument("--watch", action="append", default=[], help="reload when it changes")
    found = parser.parse_args(words[:end])
    if found.prepare and words[end + 1 :]:
        parser.error("options after -- are for a server without --prepare, which prints them")
    try:
        folder_of(found.sockets, found.location)
    except ValueError as error:
        parser.error(str(error))
    try:
        kill_seconds = float(os.environ.get(KILL_VARIABLE) or KILL_SECONDS)
    except ValueError:
        parser.error(f"{KILL_VARIABLE} must be a number of seconds")
    try:
        memory = size.parse(os.environ.get(MEMORY_VARIABLE) or "0")
    except ValueError as error:
        parser.error(f"{MEMORY_VARIABLE} cannot be heeded: {error}")
    return Settings(
        sockets=found.sockets,
        location=found.location,
        prepare=tuple(found.prepare),
        options=tuple(words[end + 1 :]),
        watch=tuple(found.watch),
        kill_seconds=kill_seconds,
        memory=MemoryLimit(memory, MEMORY_VARIABLE),
    )


def main(arguments: Sequence[str]) -> int:
    """Be the run server, or in its forks what they are for; return the exit code."""
    settings = parse(arguments)
    check_kill_seconds(settings.kill_seconds)
    imports.import_all()
    if threading.active_count() > 1:
        raise SystemExit(
            f"The run server cannot fork safely, as it has other threads: {threading.enumerate()}. "
            "Something that Python imports at its start, such as a .pth file, starts them."
        )
    gc.freeze()
    loop = Loop()
    try:
        Server(loop, settings, RunServer(socket.gethostname(), uuid.uuid4().hex[:12])).begin()
        loop.run()
    except Forked as forked:
        fork, parent, keep = forked.fork, forked.parent, forked.keep
    else:
        return 0
    # The frames of the loop are gone: what follows begins like a program of its own.
    loop.close(keep)
    process.begin(parent, fork.name)
    return fork.do()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
