"""Each webserver and daemon asks each code server for its ID once a second, for ever.

The interval is a constant. A request that waits until the ID changes, or a setting, would do.
"""

import logging
import sys
import tempfile
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from dagster import DagsterInstance
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import GrpcServerTarget
from dagster._grpc.__generated__ import dagster_api_pb2, dagster_api_pb2_grpc

REQUESTS, LONGEST_SECONDS = 3, 30
requests: list[float] = []


class Server(dagster_api_pb2_grpc.DagsterApiServicer):
    """A code server that knows no more than its ID."""

    def GetServerId(self, *_: Any) -> dagster_api_pb2.GetServerIdReply:  # noqa: N802 - gRPC's name
        """Say always the same."""
        requests.append(time.monotonic())
        return dagster_api_pb2.GetServerIdReply(server_id="1")


logging.disable()
warnings.simplefilter("ignore")
server = grpc.server(ThreadPoolExecutor(1))
dagster_api_pb2_grpc.add_DagsterApiServicer_to_server(Server(), server)
port = server.add_insecure_port("127.0.0.1:0")
server.start()
target = GrpcServerTarget(host="127.0.0.1", port=port, socket=None, location_name="code")
with (
    tempfile.TemporaryDirectory() as home,
    DagsterInstance.local_temp(home) as instance,
    WorkspaceProcessContext(instance, target),
):
    requests.clear()
    begin = time.monotonic()
    while len(requests) < REQUESTS and time.monotonic() < begin + LONGEST_SECONDS:
        time.sleep(0.1)
    seconds = time.monotonic() - begin
server.stop(None).wait()

print(f"Asked for its ID {len(requests)} times in {seconds:.1f} s in which nothing happened")
sys.exit(len(requests) >= REQUESTS)
