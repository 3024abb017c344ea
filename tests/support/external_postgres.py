"""A PostgreSQL server from the host's Debian packages, on a network of containers only."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.command import run, wait_until
from support.podman import PROJECT_LABEL, TEST_LABEL, Podman
from support.stack import Stack

# Debian's package makes this account, as the server refuses to run as root; initdb names the
# superuser after it.
ACCOUNT = "postgres"


@contextmanager
def external_postgres(podman: Podman, stack: Stack, image: str) -> Iterator[tuple[str, Path]]:
    """Serve an empty PostgreSQL, in which config/postgres/external.sql can make the database.

    Yields its name on the network `outside` of the stack, and the folder of its unix socket. The
    server runs on the host's files and in the network namespace of a container that does nothing.
    """
    name, network = f"{stack.project}-database", f"{stack.project}_outside"
    # podman-compose takes this network for its own, so `down` removes it.
    podman("network", "create", f"--label={PROJECT_LABEL}={stack.project}", network)
    label = f"--label={TEST_LABEL}={stack.project}"
    idle = ("--entrypoint=python3.13", image, "-c", "import signal; signal.pause()")
    podman("run", "--detach", label, f"--name={name}", f"--network={network}", *idle)
    (programs, *_) = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    folder = Path(tempfile.mkdtemp(prefix="dagnix-test-"))
    shutil.chown(folder, ACCOUNT, ACCOUNT)
    account = ["setpriv", f"--reuid={ACCOUNT}", f"--regid={ACCOUNT}", "--clear-groups"]
    data = folder / "data"
    initdb = ["--auth-local=trust", "--auth-host=scram-sha-256", "--no-sync"]
    try:
        run([*account, programs / "initdb", "--pgdata", data, *initdb], cwd=folder)
        with (data / "pg_hba.conf").open("a") as rules:
            rules.write("host all all samenet scram-sha-256\n")
        namespace = f"--net=/proc/{podman.inspect(name)['State']['Pid']}/ns/net"
        settings = ["listen_addresses=*", f"unix_socket_directories={folder}", "fsync=off"]
        options = [word for setting in settings for word in ("-c", setting)]
        server = subprocess.Popen(
            ["nsenter", namespace, *account, programs / "postgres", "-D", data, *options],
            cwd=folder,
            stderr=(folder / "log").open("w"),
        )
        try:
            wait_until((folder / ".s.PGSQL.5432").exists, "Postgres listens")
            words = ["psql", "--host", folder, "--username", ACCOUNT, "--dbname=postgres"]
            wait_until(lambda: run([*words, "-c", "SELECT 1"], check=False).returncode == 0, "up")
            yield name, folder
        finally:
            server.send_signal(signal.SIGINT)
            server.wait()
    finally:
        podman("rm", "--force", "--time=0", name)
        shutil.rmtree(folder)


def may_enter_namespaces() -> bool:
    """Tell whether this user may run a program in a container's network namespace."""
    return os.geteuid() == 0
