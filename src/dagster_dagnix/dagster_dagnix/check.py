"""`python -m dagster_dagnix.check`: load code as a code server does, and serve it to nobody.

It reads what is to be loaded as JSON, as the program of `--prepare` prints it. It ends with 0 when
the code loads; otherwise with 1, and prints why, as JSON.
"""

import json
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

from dagster_dagnix.protocol import listens
from dagster_dagnix.server.children import serve_code
from dagster_dagnix.server.load import Load

LOOK_SECONDS = 0.05
ERROR_BYTES = 16 << 20


def main() -> int:
    """Load the code in a process of its own, and return the exit code."""
    load = Load.parse(sys.stdin.read())
    error = os.memfd_create("error")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "code.sock")
        pid = os.fork()
        if pid == 0:
            os.dup2(2, 1)  # what the code prints is no answer
            os._exit(serve_code(load, path, error, is_lazy=False))
        while True:
            if listens(path):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                return 0
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                break
            time.sleep(LOOK_SECONDS)
    code = os.waitstatus_to_exitcode(status)
    unsaid = json.dumps(f"the process that loads it ended with {code}, without saying why.")
    print(os.pread(error, ERROR_BYTES, 0).decode() or unsaid)
    return 1


if __name__ == "__main__":
    sys.exit(main())
