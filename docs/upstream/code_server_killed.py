"""`dagster code-server start` does not replace the process that holds the code when that dies.

It says that it serves, to `dagster api grpc-health-check` too, and answers each request with an
error, until somebody restarts it.
"""

import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._grpc.client import DagsterGrpcClient

CODE = "import dagster\ndefs = dagster.Definitions(jobs=[])\n"
SECONDS = 5  # in which it could have been replaced


def answers(client: DagsterGrpcClient) -> bool:
    """Tell whether the code can be read."""
    try:
        return "DagsterUserCodeUnreachableError" not in client.list_repositories()
    except DagsterUserCodeUnreachableError:
        return False


def wait(client: DagsterGrpcClient, seconds: float) -> bool:
    """Wait until the code can be read, and tell whether it could."""
    end = time.monotonic() + seconds
    while not answers(client) and time.monotonic() < end:
        time.sleep(0.5)
    return answers(client)


with tempfile.TemporaryDirectory() as folder:
    Path(folder, "code.py").write_text(CODE)
    socket = f"{folder}/socket"
    words = ["code-server", "start", "--socket", socket, "-f", f"{folder}/code.py"]
    server = subprocess.Popen(
        [sys.executable, "-m", "dagster", *words],
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        client = DagsterGrpcClient(socket=socket)
        if not wait(client, 300):
            sys.exit("This script does not work here: the code server did not begin to serve.")
        children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
        for child in children:
            subprocess.run(["kill", "-KILL", child], check=True)
        time.sleep(1)
        works = wait(client, SECONDS)
        says = client.health_check_query()
        is_up = server.poll() is None
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait()

print(f"The process with the code was killed: up {is_up}, health {says}, code served {works}")
sys.exit(is_up and not works)
