"""Tell the inner server every ten seconds that the outer one is there.

By itself Dagster (1.13) does so every second, and the inner one waits a week for that word (see
heartbeatSeconds in command.go). Each request wakes a dozen of gRPC's threads.
"""

from dagster._grpc import client

client.CLIENT_HEARTBEAT_INTERVAL = 10
