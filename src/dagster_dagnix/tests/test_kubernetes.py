"""The launcher for Kubernetes, with an API server that is none."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from dagster import DagsterInstance, DagsterRun, DagsterRunStatus
from dagster._core.code_pointer import ModuleCodePointer
from dagster._core.launcher.base import LaunchRunContext
from dagster._core.origin import JobPythonOrigin, RepositoryPythonOrigin
from dagster._core.remote_origin import GrpcServerCodeLocationOrigin, RemoteRepositoryOrigin
from dagster._core.test_utils import create_run_for_test, instance_for_test

from dagster_dagnix import requeue

pytest.importorskip("dagster_k8s")
from kubernetes.client.exceptions import ApiException

from dagster_dagnix.kubernetes import KubernetesRunLauncher

RESOURCES = {"limits": {"memory": "4Gi"}, "requests": {"cpu": "100m", "memory": "256Mi"}}
KUBECONFIG = """
apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "http://127.0.0.1:1"}}]
users: [{name: u, user: {}}]
contexts: [{name: c, context: {cluster: c, user: u}}]
current-context: c
"""


class Batch:
    """Kubernetes' API of Jobs, which has those of these runs."""

    def __init__(self, runs: set[str]) -> None:
        self.runs, self.status = runs, 404
        self.images: list[str] = []  # of the Jobs that were created

    def create_namespaced_job(self, body: Any, namespace: str, **_: Any) -> None:
        assert namespace == "team"
        self.images += [each.image for each in body.spec.template.spec.containers]

    def read_namespaced_job_status(self, name: str, namespace: str) -> Any:
        assert namespace == "team"
        if name.removeprefix("dagster-run-") in self.runs:
            return SimpleNamespace(status=SimpleNamespace())
        raise ApiException(status=self.status)


@pytest.fixture
def batch() -> Batch:
    return Batch(set())


@pytest.fixture
def launcher(tmp_path: Path, batch: Batch) -> KubernetesRunLauncher:
    (tmp_path / "kubeconfig").write_text(KUBECONFIG)
    return KubernetesRunLauncher(
        service_account_name="plain",
        instance_config_map="dagster-config",
        dagster_home="/opt/dagster/home",
        job_namespace="team",
        load_incluster_config=False,
        kubeconfig_file=str(tmp_path / "kubeconfig"),
        k8s_client_batch_api=batch,
        run_k8s_config={"container_config": {"resources": RESOURCES}},
    )


@pytest.mark.parametrize(
    ("memory", "resources"),
    [
        (None, RESOURCES),
        (
            "512m",
            {
                "limits": {"memory": "536870912"},
                "requests": {"cpu": "100m", "memory": "536870912"},
            },
        ),
        ("0", {"limits": {}, "requests": RESOURCES["requests"]}),
    ],
)
def test_a_run_has_the_memory_of_its_tag(
    launcher: KubernetesRunLauncher, memory: str | None, resources: dict[str, Any]
) -> None:
    tags = {"dagnix/memory": memory} if memory else {}
    context = launcher.get_container_context_for_run(DagsterRun(job_name="job", tags=tags))
    assert context.run_k8s_config.container_config["resources"] == resources
    assert context.namespace == "team"


def test_a_tag_that_is_no_size_fails_the_run(launcher: KubernetesRunLauncher) -> None:
    run = DagsterRun(job_name="job", tags={"dagnix/memory": "much"})
    with pytest.raises(ValueError, match="The tag dagnix/memory of the run cannot be heeded"):
        launcher.get_container_context_for_run(run)


def test_a_launch_that_was_interrupted_goes_back_into_the_queue(
    launcher: KubernetesRunLauncher, batch: Batch
) -> None:
    with DagsterInstance.ephemeral() as instance:
        launcher.register_instance(instance)
        cut, begun = (
            create_run_for_test(instance, "job", status=DagsterRunStatus.STARTING) for _ in "ab"
        )
        batch.runs.add(begun.run_id)
        assert launcher.is_executed(begun)
        assert not launcher.is_executed(cut)
        batch.status = 403
        with pytest.raises(OSError, match=f"does not tell of the Job dagster-run-{cut.run_id}"):
            launcher.is_executed(cut)


class Workspace:
    """The code locations that there are: one."""

    def get_code_location(self, name: str) -> Any:
        assert name == "pipes"
        return self

    def get_repository(self, name: str) -> Any:
        assert name == "__repository__"
        return self

    def get_python_origin(self) -> RepositoryPythonOrigin:
        return python_origin("now")


def python_origin(image: str | None) -> RepositoryPythonOrigin:
    return RepositoryPythonOrigin("python", ModuleCodePointer("m", "defs", None), image)


@pytest.mark.parametrize(
    ("queued", "launched"),
    [("then", "then"), pytest.param(None, "now", id="queued on one host")],
)
def test_a_run_has_the_image_that_it_was_queued_with_or_else_that_of_its_code(
    launcher: KubernetesRunLauncher, batch: Batch, queued: str | None, launched: str
) -> None:
    server = GrpcServerCodeLocationOrigin("localhost", None, "code.sock", "pipes")
    with instance_for_test() as instance:
        launcher.register_instance(instance)
        run = create_run_for_test(
            instance,
            "job",
            remote_job_origin=RemoteRepositoryOrigin(server, "__repository__").get_job_origin(
                "job"
            ),
            job_code_origin=JobPythonOrigin("job", python_origin(queued)),
        )
        workspace: Any = Workspace()
        launcher.launch_run(LaunchRunContext(run, workspace))
    assert batch.images == [launched]


def test_the_queue_knows_this_launcher(launcher: KubernetesRunLauncher) -> None:
    assert isinstance(launcher, requeue.KnowsRuns)
