"""What all pods share: the namespace, Dagster's settings, accounts, secrets, the volume."""

from collections.abc import Iterator
from typing import Any

import yaml

from dagnix.kubernetes.objects import CONTAINER_SECURITY, HOME, POD_SECURITY, Object, digest
from dagnix.kubernetes.settings import DAEMON, POSTGRES, Settings

CONFIG, CODE_SETTINGS = "dagster-config", "code-settings"  # ConfigMaps
DATA = "data"  # the claim to what code locations and their runs write, and the dashboard shows
DATA_SIZE = "10Gi"
DAGSTER_PASSWORD, GATE_SECRET, SHARED_SECRET = "dagster-password", "gate", "shared-secrets"
ROLE_PASSWORDS = "role-passwords"
LAUNCHING, PLAIN = "dagster", "plain"  # service accounts: who may make Jobs, and who may nothing
CODE_PORT = 4000
# The launcher for one host, in whose place Kubernetes' comes.
FORKED = "ForkedRunLauncher"
# What K8sRunLauncher does: src/dagster_dagnix/dagster_dagnix/kubernetes.py.
RULES = (
    ("batch", ("jobs", "jobs/status"), ("create", "delete", "get", "list", "watch")),
    ("", ("pods", "pods/log", "pods/status"), ("delete", "get", "list", "watch")),
    ("", ("events",), ("get", "list", "watch")),
)


def objects(settings: Settings) -> Iterator[Object]:
    """Yield the namespace and what its pods share."""
    names = settings.names
    yield {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": names.instance,
            "labels": {"pod-security.kubernetes.io/enforce": "restricted"},
        },
    }
    for name in (LAUNCHING, PLAIN):
        yield names.object("ServiceAccount", "v1", name, automountServiceAccountToken=False)
    rules = [
        {"apiGroups": [group], "resources": list(kinds), "verbs": list(verbs)}
        for group, kinds, verbs in RULES
    ]
    group = "rbac.authorization.k8s.io"
    yield names.object("Role", f"{group}/v1", LAUNCHING, rules=rules)
    account = {"kind": "ServiceAccount", "name": LAUNCHING, "namespace": names.instance}
    role = {"apiGroup": group, "kind": "Role", "name": LAUNCHING}
    yield names.object("RoleBinding", f"{group}/v1", LAUNCHING, subjects=[account], roleRef=role)
    yield names.config_map(CONFIG, config(settings))
    yield names.config_map(CODE_SETTINGS, settings.code_settings)
    yield names.volume_claim(DATA, settings.storage_mode, DATA_SIZE, settings.storage_class)


def secrets(settings: Settings) -> Iterator[Object]:
    """Yield the Secrets of all pods."""
    names = settings.names
    yield names.secret(DAGSTER_PASSWORD, by_key(settings.passwords[DAEMON]))
    yield names.secret(GATE_SECRET, settings.gate_secrets)
    yield names.secret(SHARED_SECRET, settings.shared_secrets)
    if settings.has_postgres:
        yield names.secret(f"{POSTGRES}-passwords", by_key(settings.passwords[POSTGRES]))
        yield names.secret(ROLE_PASSWORDS, settings.role_passwords)
    for each in settings.locations:
        yield names.secret(f"{each.name}-password", by_key(settings.passwords[each.name]))
        yield names.secret(f"{each.name}-secrets", settings.location_secrets.get(each.location, {}))


def by_key(files: dict[str, bytes] | Any) -> dict[str, bytes]:
    """Return files by their names, which are the keys in a Secret, in place of their paths."""
    return {path.rpartition("/")[2]: content for path, content in files.items()}


def config(settings: Settings) -> dict[str, str]:
    """Return the files of DAGSTER_HOME."""
    servers = [
        {"grpc_server": {"host": each.name, "port": CODE_PORT, "location_name": each.location}}
        for each in settings.locations
    ]
    return {
        "dagster.yaml": yaml.safe_dump(dagster(settings), sort_keys=False),
        "workspace.yaml": yaml.safe_dump({"load_from": servers}, sort_keys=False),
    }


def dagster(settings: Settings) -> dict[str, Any]:
    """Return config/dagster.yaml with the launcher that makes a Job for each run."""
    launcher = settings.dagster.get("run_launcher") or {}
    if launcher.get("class", FORKED) != FORKED:
        return dict(settings.dagster)
    pod: Object = {
        "automount_service_account_token": False,
        "enable_service_links": False,
        "security_context": POD_SECURITY,
    }
    own: Object = {
        "job_namespace": settings.names.instance,
        "service_account_name": PLAIN,
        "instance_config_map": CONFIG,
        "dagster_home": HOME,
        "image_pull_policy": "IfNotPresent",
        "run_k8s_config": {
            "pod_spec_config": pod,
            "container_config": {"security_context": CONTAINER_SECURITY},
        },
    }
    if settings.pull_secret:
        own["image_pull_secrets"] = [{"name": settings.pull_secret}]
    module = "dagster_dagnix.kubernetes"
    made = {"module": module, "class": "KubernetesRunLauncher", "config": own}
    return {**settings.dagster, "run_launcher": made}


def version(settings: Settings, *more: Any) -> str:
    """Return what changes with Dagster's settings, or with more that a pod reads.

    Passwords are in it, so that nobody learns a short secret by trying what gives the same.
    """
    return digest(config(settings), settings.passwords, *more)
