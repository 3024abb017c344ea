"""Who reaches whom: nothing else gets through where the cluster's network heeds NetworkPolicies."""

from collections.abc import Iterator
from typing import Any

from dagnix.kubernetes import dashboard, database, instance
from dagnix.kubernetes.locations import CODE_SERVER
from dagnix.kubernetes.objects import COMPONENT, Object, selector
from dagnix.kubernetes.settings import DAEMON, POSTGRES, WEBSERVER, Settings

# As dagster-k8s labels the pods of runs, and those of steps that have one of their own.
RUNS = ("run_worker", "step_worker")
KUBERNETES = (443, 6443)  # at which the API server listens, whose address differs in each cluster
DNS = [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]


def objects(settings: Settings) -> Iterator[Object]:
    """Yield a policy that lets nothing through, and one for each component of what it may."""
    yield _policy(settings, "default", {}, ingress=[], egress=[])
    to_code = {"to": [_of(CODE_SERVER)], "ports": _ports(instance.CODE_PORT)}
    # OpenID Connect goes the same way as Kubernetes' API.
    asks = [_resolves(), *_database(settings), to_code, {"ports": _ports(*KUBERNETES)}]
    yield _policy(
        settings,
        WEBSERVER,
        _of(WEBSERVER)["podSelector"],
        ingress=[{"ports": _ports(dashboard.PORT)}],
        egress=asks,
    )
    yield _policy(settings, DAEMON, _of(DAEMON)["podSelector"], ingress=[], egress=asks)
    asked = {"from": [_of(WEBSERVER, DAEMON)], "ports": _ports(instance.CODE_PORT)}
    # Pipelines call other systems. What they must not reach in here lets them not in.
    yield _policy(
        settings, CODE_SERVER, _of(CODE_SERVER)["podSelector"], ingress=[asked], egress=[{}]
    )
    yield _policy(settings, "runs", _of(*RUNS)["podSelector"], ingress=[], egress=[{}])
    if settings.has_postgres:
        clients = _of(WEBSERVER, DAEMON, CODE_SERVER, *RUNS)
        served = {"from": [clients], "ports": _ports(database.PORT)}
        chosen = _of(POSTGRES)["podSelector"]
        yield _policy(settings, POSTGRES, chosen, ingress=[served], egress=[])


def _policy(
    settings: Settings, name: str, chosen: Object, *, ingress: list[Any], egress: list[Any]
) -> Object:
    # What is not listed does not get through.
    rules = {name: each for name, each in (("ingress", ingress), ("egress", egress)) if each}
    spec = {"podSelector": chosen, "policyTypes": ["Ingress", "Egress"], **rules}
    return settings.names.object("NetworkPolicy", "networking.k8s.io/v1", name, spec=spec)


def _of(*components: str) -> Object:
    if len(components) == 1:
        return {"podSelector": selector({COMPONENT: components[0]})}
    among = {"key": COMPONENT, "operator": "In", "values": list(components)}
    return {"podSelector": {"matchExpressions": [among]}}


def _ports(*numbers: int) -> list[Object]:
    return [{"protocol": "TCP", "port": number} for number in numbers]


def _resolves() -> Object:
    return {"ports": DNS}


def _database(settings: Settings) -> list[Object]:
    if settings.has_postgres:
        return [{"to": [_of(POSTGRES)], "ports": _ports(database.PORT)}]
    return [{"ports": _ports(settings.database_port)}]
