"""Kubernetes' objects, and what all of Dagnix's pods have in common."""

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

Object = dict[str, Any]

UID = 10001  # of all programs in the images
HOME = "/opt/dagster/home"  # where the images have Dagster's settings
# What Pod Security's level "restricted" asks for, and a root file system that nothing writes to.
POD_SECURITY: Object = {
    "runAsNonRoot": True,
    "runAsUser": UID,
    "runAsGroup": UID,
    "fsGroup": UID,
    "fsGroupChangePolicy": "OnRootMismatch",
    "seccompProfile": {"type": "RuntimeDefault"},
}
CONTAINER_SECURITY: Object = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}
INSTANCE, COMPONENT = "app.kubernetes.io/instance", "app.kubernetes.io/component"
CONFIG_ANNOTATION = "dagnix/config"
PROBE_SECONDS, PROBE_PERIOD_SECONDS = 5, 5


class Names:
    """The names and labels of one instance; its namespace has its name."""

    def __init__(self, instance: str) -> None:
        self.instance = instance

    def labels(self, component: str, **more: str) -> dict[str, str]:
        """Return the labels by which a component's pods are found."""
        return {
            "app.kubernetes.io/name": "dagnix",
            INSTANCE: self.instance,
            COMPONENT: component,
        } | more

    def meta(self, name: str, component: str = "", **more: Any) -> Object:
        """Return an object's metadata."""
        labels = self.labels(component) if component else {INSTANCE: self.instance}
        return {"name": name, "namespace": self.instance, "labels": labels, **more}

    def object(
        self, kind: str, version: str, name: str, component: str = "", **content: Any
    ) -> Object:
        """Return an object of the namespace."""
        return {
            "apiVersion": version,
            "kind": kind,
            "metadata": self.meta(name, component),
            **content,
        }

    def config_map(self, name: str, files: Mapping[str, str]) -> Object:
        """Return a ConfigMap with files by their names."""
        return self.object("ConfigMap", "v1", name, **_unless_empty(data=dict(files)))

    def secret(self, name: str, files: Mapping[str, bytes]) -> Object:
        """Return a Secret with files by their names."""
        data = {key: base64.b64encode(content).decode() for key, content in files.items()}
        return self.object("Secret", "v1", name, type="Opaque", **_unless_empty(data=data))

    def service(
        self, name: str, component: str, port: int, to: str, *, sticky: bool = False, **more: str
    ) -> Object:
        """Return a Service in front of a component's pods; `to` is the port's name in them.

        If it is sticky, all that one client asks goes to the same pod while that one is there.
        """
        spec: Object = {
            "selector": self.labels(component, **more),
            "ports": [{"name": to, "port": port, "targetPort": to}],
        }
        if sticky:
            spec["sessionAffinity"] = "ClientIP"
        return self.object("Service", "v1", name, component, spec=spec)

    def volume_claim(self, name: str, mode: str, size: str, storage_class: str = "") -> Object:
        """Return a claim to a volume; without a class it is of the cluster's default one."""
        spec: Object = {"accessModes": [mode], "resources": {"requests": {"storage": size}}}
        if storage_class:
            spec["storageClassName"] = storage_class
        return self.object("PersistentVolumeClaim", "v1", name, spec=spec)


def _unless_empty(**fields: Any) -> Object:
    """Return fields without those that hold nothing, which the API server drops.

    With them `kubectl apply` would say of the same object each time that it has changed.
    """
    return {name: value for name, value in fields.items() if value}


def digest(*content: Any) -> str:
    """Return what changes with the content, for pods to be replaced upon."""
    text = json.dumps(content, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def environment(variables: Mapping[str, str]) -> list[Object]:
    """Return variables as a container has them."""
    return [{"name": name, "value": value} for name, value in sorted(variables.items())]


def probe(command: list[str]) -> Object:
    """Return the probe that asks a service's own health check."""
    return {
        "exec": {"command": command},
        "periodSeconds": PROBE_PERIOD_SECONDS,
        "timeoutSeconds": PROBE_SECONDS,
        "failureThreshold": 3,
    }


def container(  # noqa: PLR0913 - what containers of ours differ in
    name: str,
    image: str,
    variables: Mapping[str, str],
    volumes: "Volumes",
    *,
    health: list[str],
    requests: Mapping[str, str],
    memory: str,
    port: tuple[str, int] | None = None,
) -> Object:
    """Return a container, whose readiness is its health check; `port` is a name and a number."""
    ports = {"ports": [{"name": port[0], "containerPort": port[1]}]} if port else {}
    return {
        "name": name,
        "image": image,
        "env": environment(variables),
        **ports,
        "readinessProbe": probe(health),
        "resources": {"requests": dict(requests), "limits": {"memory": memory}},
        "securityContext": CONTAINER_SECURITY,
        "volumeMounts": volumes.mounts,
    }


def selector(labels: Mapping[str, str]) -> Object:
    """Return a selector of pods."""
    return {"matchLabels": dict(labels)}


class Volumes:
    """The volumes of a pod, and where its containers have them."""

    def __init__(self) -> None:
        self.volumes: list[Object] = []
        self.mounts: list[Object] = []

    def add(
        self, name: str, path: str, *, read_only: bool = False, sub_path: str = "", **of: Any
    ) -> None:
        """Add a volume at a path; one that is there already by its name is mounted once more."""
        if name not in (each["name"] for each in self.volumes):
            self.volumes.append({"name": name, **of})
        mount: Object = {"name": name, "mountPath": path}
        if sub_path:
            mount["subPath"] = sub_path
        if read_only:
            mount["readOnly"] = True
        self.mounts.append(mount)

    def add_memory(self, folders: Mapping[str, str]) -> None:
        """Add folders in memory, by path with their sizes."""
        for path, size in folders.items():
            name = path.strip("/").replace("/", "-")
            self.add(name, path, emptyDir={"medium": "Memory", "sizeLimit": size})

    def add_empty(self, name: str, path: str) -> None:
        """Add a folder that lives as long as the pod."""
        self.add(name, path, emptyDir={})

    def add_shared(self, claim: str, path: str, sub_path: str) -> None:
        """Add a folder of the volume that a claim is to."""
        of = {"claimName": claim}
        self.add(claim, path, sub_path=sub_path, persistentVolumeClaim=of)

    def add_config(self, config_map: str, path: str) -> None:
        """Add a folder with the files of a ConfigMap."""
        self.add(config_map, path, read_only=True, configMap={"name": config_map})

    def add_secret(self, secret: str, path: str) -> None:
        """Add a folder with the files of a Secret, or none if it is not there."""
        of = {"secretName": secret, "defaultMode": 0o440, "optional": True}
        self.add(secret, path, read_only=True, secret=of)

    def add_secret_files(self, secret: str, paths: Iterable[str]) -> None:
        """Add single files of a Secret, each at its path; there may be others in their folder."""
        of = {"secretName": secret, "defaultMode": 0o440}
        for path in paths:
            key = path.rpartition("/")[2]
            self.add(secret, path, read_only=True, sub_path=key, secret=of)


def pod(  # noqa: PLR0913 - what pods of ours differ in
    labels: Mapping[str, str],
    containers: list[Object],
    volumes: Volumes,
    *,
    account: str,
    grace: int,
    config: str,
    pull_secret: str = "",
    has_token: bool = False,
) -> Object:
    """Return the template of a pod; it is replaced when `config`, what its files hold, changes."""
    spec: Object = {
        "serviceAccountName": account,
        "automountServiceAccountToken": has_token,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": grace,
        "securityContext": POD_SECURITY,
        "containers": containers,
        "volumes": volumes.volumes,
    }
    if pull_secret:
        spec["imagePullSecrets"] = [{"name": pull_secret}]
    metadata = {"labels": dict(labels), "annotations": {CONFIG_ANNOTATION: config}}
    return {"metadata": metadata, "spec": spec}
