"""DagsterGrpcClient connects anew for each request.

A webserver and a daemon ask each code server for its ID once a second, so it costs both sides most
of what they do while nothing happens.
"""

import sys
import time
from concurrent.futures import ThreadPoolExecutor

import grpc
from dagster._grpc.__generated__ import dagster_api_pb2, dagster_api_pb2_grpc
from dagster._grpc.client import DagsterGrpcClient

REQUESTS = 5
peers: list[str] = []


class Server(dagster_api_pb2_grpc.DagsterApiServicer):
    """A code server that knows no more than its ID."""

    def GetServerId(  # noqa: N802 - gRPC's name
        self, _request: dagster_api_pb2.Empty, context: grpc.ServicerContext
    ) -> dagster_api_pb2.GetServerIdReply:
        """Say always the same."""
        peers.append(context.peer())
        return dagster_api_pb2.GetServerIdReply(server_id="1")


server = grpc.server(ThreadPoolExecutor(1))
dagster_api_pb2_grpc.add_DagsterApiServicer_to_server(Server(), server)
port = server.add_insecure_port("127.0.0.1:0")
server.start()
client = DagsterGrpcClient(host="127.0.0.1", port=port)
for _ in range(REQUESTS):
    client.get_server_id()
    time.sleep(0.1)
server.stop(None).wait()

print(f"{REQUESTS} requests of one client took {len(set(peers))} connections")
sys.exit(len(set(peers)) > 1)
