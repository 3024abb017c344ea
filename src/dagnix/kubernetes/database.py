"""Postgres in the cluster, where no other is named."""

from collections.abc import Iterator

from dagnix.kubernetes import instance
from dagnix.kubernetes.objects import (
    Object,
    Volumes,
    container,
    digest,
    pod,
    selector,
)
from dagnix.kubernetes.settings import POSTGRES, Settings

PORT = 5432
SIZE = "10Gi"
REQUESTS = {"cpu": "100m", "memory": "256Mi"}
CLAIM = "postgres-data"


def objects(settings: Settings) -> Iterator[Object]:
    """Yield the StatefulSet, and its Service."""
    names, service = settings.names, settings.services[POSTGRES]
    volumes = Volumes()
    volumes.mounts.append({"name": CLAIM, "mountPath": "/var/lib/postgresql/data"})
    volumes.add_memory(service.memory_files)
    volumes.add_memory({"/run/postgresql": "1Mi", "/dev/shm": "256Mi"})  # noqa: S108
    volumes.add_secret_files(f"{POSTGRES}-passwords", service.secrets)
    volumes.add_secret(instance.ROLE_PASSWORDS, "/run/secrets/storage")
    postgres = container(
        POSTGRES,
        settings.images[service.image],
        # The network policies say who reaches it.
        {**settings.variables(service), "DAGNIX_PG_LISTEN": "*"},
        volumes,
        health=service.health,
        requests=REQUESTS,
        memory=service.memory,
        port=("postgres", PORT),
    )
    template = pod(
        names.labels(POSTGRES),
        [postgres],
        volumes,
        account=instance.PLAIN,
        grace=service.grace,
        config=digest(settings.passwords[POSTGRES], settings.role_passwords),
        pull_secret=settings.pull_secret,
    )
    claim = names.volume_claim(CLAIM, "ReadWriteOnce", SIZE, settings.storage_class)
    spec = {
        "serviceName": POSTGRES,
        "replicas": 1,
        "selector": selector(names.labels(POSTGRES)),
        "template": template,
        # As the API server has it, so that the same is not told each time as a change.
        "volumeClaimTemplates": [{**claim, "metadata": {"name": CLAIM}}],
    }
    yield names.object("StatefulSet", "apps/v1", POSTGRES, POSTGRES, spec=spec)
    yield names.service(POSTGRES, POSTGRES, PORT, "postgres")
