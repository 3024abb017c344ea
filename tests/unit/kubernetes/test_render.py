"""What `./dagnix kubernetes render` writes, of the compose files of this repository."""

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import kubernetes.client
import pytest
import yaml
from dagster_k8s.models import k8s_model_from_dict, k8s_snake_case_dict
from support.stack import ROOT

from dagnix import UserError, project
from dagnix.kubernetes import locations, services, settings
from dagnix.kubernetes.render import manifests
from dagnix.project import Project

IMAGES = ("webserver", "daemon", "pipes", "postgres", "gate")
DIGEST = "sha256:" + "d" * 64
Collect = Callable[[Project], settings.Settings]
Found = dict[tuple[str, str], dict[str, Any]]
# Of each kind, as the API of Kubernetes 1.34 has it.
MODELS = {
    "ServiceAccount": "V1ServiceAccount",
    "Namespace": "V1Namespace",
    "Role": "V1Role",
    "RoleBinding": "V1RoleBinding",
    "ConfigMap": "V1ConfigMap",
    "Secret": "V1Secret",
    "PersistentVolumeClaim": "V1PersistentVolumeClaim",
    "NetworkPolicy": "V1NetworkPolicy",
    "StatefulSet": "V1StatefulSet",
    "Deployment": "V1Deployment",
    "Service": "V1Service",
}


def rendered(made: settings.Settings, **more: bool) -> Found:
    """The objects by kind and name."""
    objects = list(yaml.safe_load_all(manifests(made, **more)))
    found = {(each["kind"], each["metadata"]["name"]): each for each in objects}
    assert len(found) == len(objects)
    return found


@pytest.fixture(scope="module")
def found(made: settings.Settings) -> Found:
    return rendered(made)


def pods(found: Found) -> dict[str, dict[str, Any]]:
    kinds = ("Deployment", "StatefulSet")
    return {name: it["spec"]["template"] for (kind, name), it in found.items() if kind in kinds}


def containers(found: Found) -> dict[str, dict[str, Any]]:
    return {
        each["name"]: each for pod in pods(found).values() for each in pod["spec"]["containers"]
    }


def variables(container: dict[str, Any]) -> dict[str, str]:
    return {each["name"]: each["value"] for each in container["env"]}


def test_every_object_is_one_of_kubernetes(found: Found) -> None:
    for (kind, name), each in found.items():
        model = getattr(kubernetes.client, MODELS[kind])
        k8s_model_from_dict(model, k8s_snake_case_dict(model, each))
        if kind != "Namespace":
            assert each["metadata"]["namespace"] == "team", name
    assert {name for kind, name in found if kind == "Deployment"} == {"webserver", "pipes"}
    assert found["Deployment", "webserver"]["spec"]["replicas"] == 2
    # Never two: a StatefulSet's next pod begins when the last one is gone.
    assert found["StatefulSet", "daemon"]["spec"]["replicas"] == 1
    pipes = found["Deployment", "pipes"]["spec"]
    assert pipes["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}


def test_images_are_named_by_their_digests(found: Found) -> None:
    images = {name: each["image"] for name, each in containers(found).items()}
    team = f"registry.example.org/team/{{}}@{DIGEST}".format
    services = {name: team(name) for name in IMAGES if name != "pipes"}
    assert images == {**services, "code-server": team("pipes")}


def test_every_pod_is_restricted(found: Found) -> None:
    """Pod Security's level "restricted", and more: nothing writes to the root file system."""
    labels = found["Namespace", "team"]["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    for pod in pods(found).values():
        security = pod["spec"]["securityContext"]
        assert security["runAsNonRoot"]
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}
        known = {"configMap", "emptyDir", "persistentVolumeClaim", "secret"}
        assert all(set(each) - {"name"} <= known for each in pod["spec"]["volumes"])
        for each in pod["spec"]["containers"]:
            assert each["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert each["resources"]["limits"]["memory"]
            assert each["readinessProbe"]["exec"]["command"]
    has_token = {
        name: it["spec"]["automountServiceAccountToken"] for name, it in pods(found).items()
    }
    launching = {"webserver": True, "daemon": True}
    assert has_token == {**launching, "pipes": False, "postgres": False}


def test_every_mount_is_of_a_volume_and_every_volume_of_an_object(found: Found) -> None:
    for pod in pods(found).values():
        names = {each["name"] for each in pod["spec"]["volumes"]}
        for each in pod["spec"]["containers"]:
            paths = [mount["mountPath"] for mount in each["volumeMounts"]]
            assert len(set(paths)) == len(paths)
            assert {mount["name"] for mount in each["volumeMounts"]} <= names | {"postgres-data"}
        for volume in pod["spec"]["volumes"]:
            if "secret" in volume:
                assert ("Secret", volume["secret"]["secretName"]) in found
            if "configMap" in volume:
                assert ("ConfigMap", volume["configMap"]["name"]) in found
            if "persistentVolumeClaim" in volume:
                claim = volume["persistentVolumeClaim"]["claimName"]
                assert ("PersistentVolumeClaim", claim) in found


def test_secrets_are_files(found: Found, made: settings.Settings) -> None:
    data = {name: it.get("data", {}) for (kind, name), it in found.items() if kind == "Secret"}
    assert base64.b64decode(data["shared-secrets"]["API_KEY"]) == b"hush"
    assert base64.b64decode(data["pipes-secrets"]["OWN"]) == b"own\n"
    assert set(data["gate"]) == {"users.json", "session-key"}
    assert set(data["pipes-password"]) == {"storage-password"}
    assert set(data["dagster-password"]) == {"dagster-password"}
    passwords = {base64.b64decode(each).decode() for it in data.values() for each in it.values()}
    public = [json.dumps(it) for (kind, _), it in found.items() if kind != "Secret"]
    assert [each for each in passwords for text in public if each.strip() in text] == []
    mounts = {
        mount["mountPath"]: mount.get("subPath")
        for mount in containers(found)["code-server"]["volumeMounts"]
    }
    assert mounts["/run/secrets/storage-password"] == "storage-password"
    assert {"/run/secrets/shared", "/run/secrets/location"} <= mounts.keys()
    without = rendered(made, with_secrets=False)
    assert without == {key: it for key, it in found.items() if key[0] != "Secret"}


def test_what_serves_goes_only_when_the_next_one_is_ready(found: Found) -> None:
    strategies = [it["spec"]["strategy"] for (kind, _), it in found.items() if kind == "Deployment"]
    assert len(strategies) > 1
    for strategy in strategies:
        rolling = {"maxSurge": 1, "maxUnavailable": 0}
        assert strategy == {"type": "RollingUpdate", "rollingUpdate": rolling}


def test_postgres_listens_beyond_its_pod(found: Found) -> None:
    assert variables(containers(found)["postgres"])["DAGNIX_PG_LISTEN"] == "*"


def test_a_code_server_tells_how_its_runs_are_started(found: Found) -> None:
    server = containers(found)["code-server"]
    told = variables(server)
    assert told["DAGSTER_CURRENT_IMAGE"] == server["image"]
    assert told["DAGSTER_PG_HOST"] == told["STORAGE_PG_HOST"] == "postgres"
    assert told["DAGSTER_PG_USER"] == "dagster_pipes"
    context = json.loads(told["DAGSTER_CONTAINER_CONTEXT"])["k8s"]
    assert context["volume_mounts"] == server["volumeMounts"]
    own = {each["name"] for each in context["env"]}
    assert told.keys() - own == {
        "DAGNIX_CODE_SERVER_PORT",
        "DAGSTER_CONTAINER_CONTEXT",
        "DAGSTER_CURRENT_IMAGE",
    }
    # As much as there is.
    assert context["resources"]["limits"] == server["resources"]["limits"] == {"memory": "4Gi"}


def test_the_settings_of_dagster_are_those_of_the_stack_but_for_the_launcher(
    found: Found,
) -> None:
    files = found["ConfigMap", "dagster-config"]["data"]
    made = yaml.safe_load(files["dagster.yaml"])
    of_one_host = yaml.safe_load((ROOT / "config" / "dagster.yaml").read_text())
    launcher = made.pop("run_launcher")
    del of_one_host["run_launcher"]
    assert made == of_one_host
    assert launcher["class"] == "KubernetesRunLauncher"
    assert launcher["config"]["job_namespace"] == "team"
    (server,) = yaml.safe_load(files["workspace.yaml"])["load_from"]
    assert server["grpc_server"] == {"host": "pipes", "port": 4000, "location_name": "pipes"}


def test_pods_are_replaced_when_what_they_read_changes(made: settings.Settings) -> None:
    def versions(made: settings.Settings) -> set[tuple[str, str]]:
        found = pods(rendered(made))
        return {
            (name, pod["metadata"]["annotations"]["dagnix/config"]) for name, pod in found.items()
        }

    def replaced(**changed: Any) -> set[str]:
        return {name for name, _ in versions(replace(made, **changed)) - versions(made)}

    assert replaced() == set()
    assert replaced(shared_secrets={"API_KEY": b"another"}) == {"pipes"}
    assert replaced(location_secrets={"pipes": {}}) == {"pipes"}
    assert replaced(code_settings={"default.toml": "A = 'b'"}) == {"pipes"}
    assert replaced(gate_secrets={"users.json": b"{}"}) == {"webserver"}
    settings_of_dagster = {**made.dagster, "telemetry": {"enabled": True}}
    assert replaced(dagster=settings_of_dagster) == {"pipes", "webserver", "daemon"}


def test_only_what_must_talk_to_each_other_may(found: Found) -> None:
    rules = {name: it["spec"] for (kind, name), it in found.items() if kind == "NetworkPolicy"}
    assert rules["default"] == {
        "podSelector": {},
        "policyTypes": ["Ingress", "Egress"],
    }
    assert all(rule["policyTypes"] == ["Ingress", "Egress"] for rule in rules.values())
    for name in ("daemon", "runs"):
        assert "ingress" not in rules[name]
    (served,) = rules["postgres"]["ingress"]
    (among,) = served["from"][0]["podSelector"]["matchExpressions"]
    assert set(among["values"]) == {
        "webserver",
        "daemon",
        "code-server",
        "run_worker",
        "step_worker",
    }
    assert "egress" not in rules["postgres"]
    # Each policy is of pods that there are.
    chosen = [rule["podSelector"].get("matchLabels", {}) for rule in rules.values()]
    labels = [pod["metadata"]["labels"].items() for pod in pods(found).values()]
    assert all(any(one.items() <= each for each in labels) for one in chosen)


def test_each_service_is_in_front_of_pods_with_its_port(found: Found) -> None:
    for (kind, name), it in found.items():
        if kind != "Service":
            continue
        (pod,) = [
            pod
            for pod in pods(found).values()
            if it["spec"]["selector"].items() <= pod["metadata"]["labels"].items()
        ]
        is_code = it["spec"]["selector"]["app.kubernetes.io/component"] == "code-server"
        # Of two code servers, as in a rollout, one answers all calls of a webserver.
        assert it["spec"].get("sessionAffinity") == ("ClientIP" if is_code else None)
        (port,) = it["spec"]["ports"]
        ports = [each for one in pod["spec"]["containers"] for each in one.get("ports", ())]
        assert [each["containerPort"] for each in ports if each["name"] == port["targetPort"]] == [
            port["port"]
        ], name


@pytest.mark.usefixtures("here")
def test_a_database_outside_takes_the_place_of_postgres(
    collect: Collect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMPOSE_FILE", "compose.yaml:compose.external-db.yaml")
    monkeypatch.setenv("DAGSTER_PG_HOST", "db.example.org")
    monkeypatch.setenv("DAGSTER_PG_PORT", "6432")
    found = rendered(collect(project.current()))
    assert not [key for key in found if "postgres" in key[1] or key[1] == "role-passwords"]
    for each in ("webserver", "daemon", "code-server"):
        assert variables(containers(found)[each])["DAGSTER_PG_HOST"] == "db.example.org"
    egress = found["NetworkPolicy", "daemon"]["spec"]["egress"]
    assert {"ports": [{"protocol": "TCP", "port": 6432}]} in egress


@pytest.mark.usefixtures("here")
def test_an_environment_has_its_own_namespace_and_settings(
    collect: Collect, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("COMPOSE_PROJECT_NAME", "DAGNIX_VERSION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DAGNIX_RUN_MEMORY", "512m")
    monkeypatch.setenv("DAGNIX_LOG_FORMAT", "json")
    made = collect(project.of_environment("prod"))
    assert made.names.instance == "dagnix-prod"
    pipes = made.services["pipes"]
    assert pipes.memory == "8Gi"
    assert made.variables(pipes)["DAGNIX_SETTINGS"] == "prod"
    assert locations.context(made, pipes)["resources"]["limits"] == {"memory": "512Mi"}
    assert {"name": "DAGNIX_LOG_FORMAT", "value": "json"} in locations.context(made, pipes)["env"]
    formats = {variables(each)["DAGNIX_LOG_FORMAT"] for each in containers(rendered(made)).values()}
    assert formats == {"json"}


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("COMPOSE_PROJECT_NAME", "my_team", "no namespace can have that name"),
        ("DAGNIX_STORAGE_MODE", "Often", "must be ReadWriteMany or ReadWriteOnce"),
    ],
)
@pytest.mark.usefixtures("here")
def test_what_kubernetes_cannot_be_told(
    name: str, value: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(UserError, match=said):
        settings.require(project.current())


def test_a_dashboard_without_a_login_is_not_for_a_cluster(here: Project, tmp_path: Path) -> None:
    without = replace(here, environment={**here.environment, "DAGNIX_SECRETS_DIR": str(tmp_path)})
    with pytest.raises(UserError, match=r"run \./dagnix auth add USER --role admin"):
        settings.require(without)


@pytest.mark.parametrize(
    ("size", "quantity"), [("1g", "1Gi"), ("512M", "512Mi"), ("64kb", "64Ki"), (1024, "1024")]
)
def test_sizes(size: str | int, quantity: str) -> None:
    assert services.quantity(size) == quantity


def test_what_is_no_size() -> None:
    with pytest.raises(UserError, match="is no size"):
        services.quantity("much")
