"""The Job of a run, as Dagster's launcher makes it of what is rendered."""

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import kubernetes.client
import pytest
import yaml
from dagster import DagsterInstance
from dagster._core.code_pointer import ModuleCodePointer
from dagster._core.launcher import LaunchRunContext
from dagster._core.origin import JobPythonOrigin, RepositoryPythonOrigin
from dagster._core.test_utils import create_run_for_test, instance_for_test

from dagnix.kubernetes import instance as shared
from dagnix.kubernetes import locations, settings

IMAGE = "registry.example.org/team/pipes@sha256:0"
KUBECONFIG = """
apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "http://127.0.0.1:1"}}]
users: [{name: u, user: {}}]
contexts: [{name: c, context: {cluster: c, user: u}}]
current-context: c
"""


@pytest.fixture
def instance(made: settings.Settings, tmp_path: Path) -> Iterator[DagsterInstance]:
    """An instance with the launcher that is rendered; its API server is reached at loopback."""
    (tmp_path / "kubeconfig").write_text(KUBECONFIG)
    launcher = yaml.safe_load(shared.config(made)["dagster.yaml"])["run_launcher"]
    # What a pod has of its own accord.
    launcher["config"] |= {
        "load_incluster_config": False,
        "kubeconfig_file": str(tmp_path / "kubeconfig"),
    }
    with instance_for_test(overrides={"run_launcher": launcher}) as found:
        yield found


def job(made: settings.Settings, instance: DagsterInstance, tags: dict[str, str]) -> Any:
    """The Job that is created for a run, as the API has it."""
    context = {"k8s": locations.context(made, made.services["pipes"])}
    origin = RepositoryPythonOrigin(
        executable_path="python",
        code_pointer=ModuleCodePointer("pipes.definitions", "defs", "/opt/dagster/pipes/src"),
        container_image=IMAGE,
        entry_point=["dagster"],
        container_context=context,
    )
    run = create_run_for_test(
        instance, "example", job_code_origin=JobPythonOrigin("example", origin), tags=tags
    )
    created = []
    launcher = instance.run_launcher
    launcher._api_client.batch_api = SimpleNamespace(  # noqa: SLF001 - Kubernetes itself
        create_namespaced_job=lambda body, namespace, **_: created.append((body, namespace))
    )
    launcher.launch_run(LaunchRunContext(run, workspace=None))
    ((body, namespace),) = created
    assert namespace == "team"
    return kubernetes.client.ApiClient().sanitize_for_serialization(body)


def test_the_job_of_a_run(made: settings.Settings, instance: DagsterInstance) -> None:
    found = job(made, instance, {})
    assert found["spec"]["backoffLimit"] == 0  # retries are Dagster's
    pod = found["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert (pod["serviceAccountName"], pod["automountServiceAccountToken"]) == ("plain", False)
    assert pod["restartPolicy"] == "Never"
    (container,) = pod["containers"]
    assert container["image"] == IMAGE
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    # The entrypoint stays, which reads the secrets.
    assert "command" not in container
    assert container["args"][:3] == ["dagster", "api", "execute_run"]
    assert container["resources"]["limits"] == {"memory": "4Gi"}
    labels = found["spec"]["template"]["metadata"]["labels"]
    assert labels["app.kubernetes.io/component"] == "run_worker"
    assert labels["app.kubernetes.io/instance"] == "team"
    variables = {each["name"]: each["value"] for each in container["env"]}
    assert variables["DAGSTER_HOME"] == "/opt/dagster/home"
    assert variables["DAGNIX_LOCATION"] == "pipes"
    assert variables["STORAGE_PG_PASSWORD_FILE"] == "/run/secrets/storage-password"
    assert len(variables) == len(container["env"])


def test_secrets_of_a_run_are_files(made: settings.Settings, instance: DagsterInstance) -> None:
    found = job(made, instance, {})
    pod = found["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    volumes = {each["name"]: each for each in pod["volumes"]}
    mounts = {each["mountPath"]: each for each in container["volumeMounts"]}
    assert len(mounts) == len(container["volumeMounts"])
    for path in ("/run/secrets/shared", "/run/secrets/location", "/run/secrets/storage-password"):
        assert mounts[path]["readOnly"]
        assert volumes[mounts[path]["name"]]["secret"]["defaultMode"] == 0o440
    text = json.dumps(found)
    assert "hush" not in text
    for each in made.passwords["pipes"].values():
        assert each.decode().strip() not in text


def test_a_run_has_the_memory_of_its_tag(
    made: settings.Settings, instance: DagsterInstance
) -> None:
    tags = {"dagnix/memory": "1g"}
    (container,) = job(made, instance, tags)["spec"]["template"]["spec"]["containers"]
    assert container["resources"] == {
        "limits": {"memory": str(1 << 30)},
        "requests": {"cpu": "100m", "memory": str(1 << 30)},
    }
