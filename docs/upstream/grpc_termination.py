"""gRPC's wait_for_termination wakes ten times a second for as long as a server lives.

It works around an issue of Windows alone (bugs.python.org/issue35935).
"""

import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc

SECONDS = 2


def switches(thread: int) -> int:
    """Return how often a thread has gone to sleep."""
    text = Path(f"/proc/self/task/{thread}/status").read_text()
    (line,) = [each for each in text.splitlines() if each.startswith("voluntary_ctxt_switches")]
    return int(line.split()[1])


server = grpc.server(ThreadPoolExecutor(1))
server.add_insecure_port("127.0.0.1:0")
server.start()
waiting = threading.Thread(target=server.wait_for_termination)
waiting.start()
time.sleep(0.5)
before = switches(waiting.native_id or 0)
time.sleep(SECONDS)
woken = switches(waiting.native_id or 0) - before
server.stop(None)
waiting.join()

print(f"The thread that waits for the end of an idle server woke {woken} times in {SECONDS} s")
sys.exit(woken > SECONDS)
