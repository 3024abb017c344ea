"""A code location: its code server, and what its runs' Jobs get."""

import json
from collections.abc import Iterator

from dagnix.kubernetes import instance
from dagnix.kubernetes.objects import (
    HOME,
    INSTANCE,
    Object,
    Volumes,
    container,
    environment,
    pod,
    selector,
)
from dagnix.kubernetes.services import Service, quantity
from dagnix.kubernetes.settings import Settings

CODE_SERVER = "code-server"
LOCATION_LABEL = "dagnix/location"
# Of what only the run server on one host heeds.
FOR_THE_RUN_SERVER = ("DAGNIX_KILL_SECONDS", "DAGNIX_LOOK_SECONDS", "DAGNIX_RUN_MEMORY")
REQUESTS = {"cpu": "100m", "memory": "256Mi"}
PROGRESS_SECONDS = 300  # how long new code may take to load, before its rollout has failed


def objects(settings: Settings, service: Service) -> Iterator[Object]:
    """Yield a location's code server, and the Service that webserver and daemon ask."""
    names, name = settings.names, service.name
    labels = {LOCATION_LABEL: service.location}
    image = settings.images[service.image]
    volumes = _volumes(service)
    code_server = container(
        CODE_SERVER,
        image,
        {
            **_variables(settings, service),
            "DAGNIX_CODE_SERVER_PORT": str(instance.CODE_PORT),
            # Dagster's own: with which image, and how, the runs of this code are started.
            "DAGSTER_CURRENT_IMAGE": image,
            "DAGSTER_CONTAINER_CONTEXT": json.dumps({"k8s": context(settings, service)}),
        },
        volumes,
        health=service.health,
        requests=REQUESTS,
        memory=service.memory,
        port=("grpc", instance.CODE_PORT),
    )
    secrets = settings.location_secrets.get(service.location)
    template = pod(
        names.labels(CODE_SERVER, **labels),
        [code_server],
        volumes,
        account=instance.PLAIN,
        grace=60,
        config=instance.version(settings, settings.code_settings, settings.shared_secrets, secrets),
        pull_secret=settings.pull_secret,
    )
    spec = {
        "replicas": 1,
        "selector": selector(names.labels(CODE_SERVER, **labels)),
        # The old code serves until the new code has loaded.
        "strategy": {
            "type": "RollingUpdate",
            "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0},
        },
        "progressDeadlineSeconds": PROGRESS_SECONDS,
        "template": template,
    }
    yield names.object("Deployment", "apps/v1", name, CODE_SERVER, spec=spec)
    # Dagster loads a location with several calls, each over a connection of its own. While old and
    # new code server are both there, they must not answer by turns: the new definitions would go
    # with the old image, for as long as the code is served.
    yield names.service(name, CODE_SERVER, instance.CODE_PORT, "grpc", sticky=True, **labels)


def context(settings: Settings, service: Service) -> Object:
    """Return what the Job of each run gets, in the words of Dagster's K8sContainerContext."""
    volumes = _volumes(service)
    variables = _variables(settings, service)
    memory = service.environment.get("DAGNIX_RUN_MEMORY")
    limit = quantity(memory) if memory else service.memory
    return {
        "env": environment(variables),
        "labels": {INSTANCE: settings.names.instance, LOCATION_LABEL: service.location},
        "resources": {"requests": REQUESTS, "limits": {"memory": limit}},
        "volumes": volumes.volumes,
        "volume_mounts": volumes.mounts,
    }


def _variables(settings: Settings, service: Service) -> dict[str, str]:
    found = settings.variables(service)
    own = {"DAGNIX_LOCATION": service.location}
    return {name: value for name, value in found.items() if name not in FOR_THE_RUN_SERVER} | own


def _volumes(service: Service) -> Volumes:
    """Return the same files for the code server and for runs."""
    volumes, data = Volumes(), "/var/lib/dagster"
    logs = f"compute_logs/{service.location}"
    volumes.add_shared(instance.DATA, data, f"locations/{service.location}")
    volumes.add_shared(instance.DATA, f"{data}/{logs}", logs)
    volumes.add_memory(service.memory_files)
    volumes.add_config(instance.CONFIG, HOME)
    volumes.add_config(instance.CODE_SETTINGS, "/etc/dagnix/settings")
    volumes.add_secret_files(f"{service.name}-password", service.secrets)
    volumes.add_secret(instance.SHARED_SECRET, "/run/secrets/shared")
    volumes.add_secret(f"{service.name}-secrets", "/run/secrets/location")
    return volumes
