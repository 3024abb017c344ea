"""The page /metrics."""

from dagster._core.workspace.context import WorkspaceProcessContext
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import choose_encoder
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dagster_dagnix.metrics.collector import Collector

PATH = "/metrics"


def route(context: WorkspaceProcessContext, prefix: str) -> Route:
    """Return the route of the page, below the prefix of all paths ("" for none)."""
    registry = CollectorRegistry()
    registry.register(Collector(context))
    ProcessCollector(registry=registry)

    # Not async, so that it has a thread of its own, and no page of the dashboard waits for it.
    def metrics(request: Request) -> Response:
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return Response(encode(registry), headers={"Content-Type": content_type})

    return Route(f"{prefix}{PATH}", metrics)
