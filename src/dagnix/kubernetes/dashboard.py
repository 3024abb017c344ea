"""Webserver and gate, which are one pod, and the daemon."""

from collections.abc import Iterator

from dagnix.kubernetes import instance
from dagnix.kubernetes.objects import (
    HOME,
    Object,
    Volumes,
    container,
    pod,
    selector,
)
from dagnix.kubernetes.services import Service
from dagnix.kubernetes.settings import DAEMON, GATE, WEBSERVER, Settings

PORT = 3000
REPLICAS = 2
REQUESTS = {"cpu": "50m", "memory": "64Mi"}
# Where the gate finds the webserver's Unix socket, which nobody else reaches.
SOCKETS = "/run/dagnix/webserver"


def objects(settings: Settings) -> Iterator[Object]:
    """Yield what runs them, and the Service in front of the gate."""
    names = settings.names
    strategy: Object = {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    spec = {
        "replicas": REPLICAS,
        "selector": selector(names.labels(WEBSERVER)),
        "strategy": {"type": "RollingUpdate", **strategy},
        "template": _webserver(settings),
    }
    yield names.object("Deployment", "apps/v1", WEBSERVER, WEBSERVER, spec=spec)
    yield names.service(WEBSERVER, WEBSERVER, PORT, "http")
    spec = {
        # Two daemons would launch runs, and evaluate sensors, twice. A Deployment has two while a
        # pod that was deleted still ends, also with the strategy Recreate.
        "serviceName": DAEMON,
        "replicas": 1,
        "selector": selector(names.labels(DAEMON)),
        "template": _daemon(settings),
    }
    yield names.object("StatefulSet", "apps/v1", DAEMON, DAEMON, spec=spec)


def _webserver(settings: Settings) -> Object:
    webserver, gate = settings.services[WEBSERVER], settings.services[GATE]
    volumes = _dagster(webserver)
    volumes.add_empty("sockets", SOCKETS)
    volumes.add_shared(instance.DATA, "/var/lib/dagster/compute_logs", "compute_logs")
    own = Volumes()
    own.add_empty("sockets", SOCKETS)
    own.add_empty("gate-state", "/var/lib/gate")
    own.add_secret(instance.GATE_SECRET, "/run/secrets/gate")
    # It is published beyond one host: so it serves nobody while there is no login.
    variables = {**settings.variables(gate), "DAGNIX_BIND": "0.0.0.0"}  # noqa: S104
    containers = [
        _container(settings, webserver, settings.variables(webserver), volumes),
        _container(settings, gate, variables, own, port=("http", PORT)),
    ]
    volumes.volumes += [each for each in own.volumes if each not in volumes.volumes]
    return pod(
        settings.names.labels(WEBSERVER),
        containers,
        volumes,
        account=instance.LAUNCHING,
        grace=max(webserver.grace, gate.grace),
        config=instance.version(settings, settings.gate_secrets),
        pull_secret=settings.pull_secret,
        has_token=True,
    )


def _daemon(settings: Settings) -> Object:
    daemon = settings.services[DAEMON]
    volumes = _dagster(daemon)
    return pod(
        settings.names.labels(DAEMON),
        [_container(settings, daemon, settings.variables(daemon), volumes)],
        volumes,
        account=instance.LAUNCHING,
        grace=daemon.grace,
        config=instance.version(settings),
        pull_secret=settings.pull_secret,
        has_token=True,
    )


def _dagster(service: Service) -> Volumes:
    volumes = Volumes()
    volumes.add_memory(service.memory_files)
    volumes.add_config(instance.CONFIG, HOME)
    volumes.add_secret_files(instance.DAGSTER_PASSWORD, service.secrets)
    return volumes


def _container(
    settings: Settings,
    service: Service,
    variables: dict[str, str],
    volumes: Volumes,
    port: tuple[str, int] | None = None,
) -> Object:
    return container(
        service.name,
        settings.images[service.image],
        variables,
        volumes,
        health=service.health,
        requests=REQUESTS,
        memory=service.memory,
        port=port,
    )
