"""The stack on a real Kubernetes: one cluster, one stack, and its tests in a row."""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from dagster import DagsterRunStatus
from support import checkout
from support.command import TIMEOUT_SECONDS, run, wait_until
from support.dashboard import Dashboard
from support.kubernetes import REGISTRY, Cluster, cluster
from support.markdown import Page
from support.podman import Podman
from support.stack import Stack

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="a node of Kubernetes is root's")

PAGE = Page(Path("docs/howto/kubernetes.md"))
RENDER = "./dagnix kubernetes render > stack.yaml"
APPLY = "kubectl apply -f stack.yaml"
ROLLOUT = "kubectl -n dagnix rollout status deployment,statefulset"
DESCRIBE = "kubectl -n dagnix describe pod -l app.kubernetes.io/component=code-server"
DELETE = "kubectl delete -f stack.yaml"
HOST = "dagster.example.org"  # the name that an Ingress would serve
PASSWORD = "correct horse battery"
QUEUED = 20
# Beside the example. A run's answer is that of the code that it has imported.
CODE = """
import time
from pathlib import Path

import dagster as dg

from pipes.retries import LOST_RUNS

ANSWER = "first"
RELEASE = Path("/var/lib/dagster/release")


@dg.op
def wait() -> None:
    while not RELEASE.exists():
        time.sleep(0.5)


@dg.op(ins={"start": dg.In(dg.Nothing)})
def answer(context: dg.OpExecutionContext) -> None:
    context.instance.add_run_tags(context.run_id, {"answer": ANSWER})


@dg.job(tags=LOST_RUNS, description=ANSWER)
def held() -> None:
    answer(wait())
"""
LAUNCH = """mutation { launchRun(executionParams: {selector: {
    repositoryLocationName: "pipes", repositoryName: "__repository__", jobName: "example"
}}) { __typename } }"""
TAGS = "query Tags($run: ID!) { runOrError(runId: $run) { ... on Run { tags { key value } } } }"
SERVED = """{ pipelineOrError(params: {
    repositoryLocationName: "pipes", repositoryName: "__repository__", pipelineName: "held"
}) { ... on Pipeline { description } } }"""


@dataclass(frozen=True)
class Deployed:
    """The stack in the cluster, its checkout, and the folder of its volumes."""

    cluster: Cluster
    stack: Stack
    volumes: Path

    def typed(self, command: str, *, check: bool = True) -> str:
        """Run a command of the page in the checkout; return what it prints."""
        words = PAGE.typed(command, {"-n dagnix": f"-n {self.stack.project}"})
        environment = {
            **self.stack.environment,
            "KUBECONFIG": str(self.cluster.folder / "config"),
            "PATH": f"{self.cluster.programs}:{os.environ['PATH']}",
        }
        shell = ["sh", "-euc", words]
        return run(shell, env=environment, cwd=self.stack.checkout, check=check).stdout

    def kubectl(self, *words: str, check: bool = True) -> str:
        """Run kubectl in the stack's namespace; return what it prints."""
        done = self.cluster.kubectl(f"--namespace={self.stack.project}", *words, check=check)
        return done.stdout + done.stderr

    def write(self, answer: str, code: str = CODE) -> None:
        """Save the code that goes beside the example."""
        file = self.stack.checkout / "pipes" / "src" / "pipes" / "defs" / "held.py"
        file.write_text(code.replace('"first"', f'"{answer}"'))
        checkout.commit(self.stack.checkout, answer)

    def apply(self) -> None:
        """Push, render and apply, as the page says."""
        push = [self.stack.checkout / "dagnix", "push", f"{REGISTRY}/team"]
        run([*self.cluster.on_its_network, *push], env=self.stack.environment)
        self.typed(RENDER)
        self.typed(APPLY)

    def dashboard(self, user: str = "admin") -> Dashboard:
        """Return the dashboard as a user sees it who has logged in, at the Service's address."""
        service = json.loads(self.kubectl("get", "service/webserver", "--output=json"))["spec"]
        at = service["clusterIP"], service["ports"][0]["port"]
        # Its pods may have become ready just now.
        return wait_until(lambda: _logged_in(*at, user), f"{user} can log in")

    def served(self) -> set[str]:
        """Return the answers of the code that the webservers have; "" is of none that loads."""
        service = json.loads(self.kubectl("get", "service/webserver", "--output=json"))["spec"]
        port = service["ports"][0]["port"]
        label = "--selector=app.kubernetes.io/component=webserver"
        pods = json.loads(self.kubectl("get", "pods", label, "--output=json"))["items"]
        addresses = [pod["status"]["podIP"] for pod in pods if _is_ready(pod)]
        found = [_logged_in(each, port) for each in addresses]
        return {
            each.query(SERVED)["pipelineOrError"].get("description", "") if each else ""
            for each in found
        }

    def wait_for_code(self, answer: str) -> None:
        """Wait until all webservers have the code with this answer: each looks for itself."""
        wait_until(lambda: self.served() == {answer}, f"the code of the dashboards is {answer}")

    def held(self) -> str:
        """Launch a run that waits for `release`; return its ID when it has started."""
        self._release.unlink(missing_ok=True)
        dashboard = self.dashboard()
        launched = dashboard.client.submit_job_execution("held")
        self.wait_for_start(launched)
        return launched

    def wait_for_start(self, launched: str) -> None:
        """Wait until a run is STARTED."""
        status = self.dashboard().status
        wait_until(lambda: status(launched) is DagsterRunStatus.STARTED, "the run has started")

    def release(self) -> None:
        """Let the run go on."""
        self._release.touch()

    def answer(self, launched: str) -> str:
        """Return the answer of a run, which must succeed."""
        dashboard = self.dashboard()
        ended = dashboard.end_of(launched)
        assert ended is DagsterRunStatus.SUCCESS, dashboard.said_of(launched)
        tags = dashboard.query(TAGS, run=launched)["runOrError"]["tags"]
        return next(tag["value"] for tag in tags if tag["key"] == "answer")

    def retry_of(self, launched: str) -> str:
        """Wait until a run has failed, and return the ID of the one that repeats it."""
        dashboard = self.dashboard()
        ended = dashboard.end_of(launched)
        assert ended is DagsterRunStatus.FAILURE
        (again,) = wait_until(lambda: dashboard.retries(launched), "the run is retried")
        return again

    def pods(self, label: str) -> list[str]:
        """Return the names of the pods that have a label."""
        return self.kubectl("get", "pods", "--output=name", f"--selector={label}").split()

    def sql(self, query: str) -> str:
        """Run a query as the superuser; rows are lines, columns `|`."""
        psql = ("/usr/lib/postgresql/17/bin/psql", "--host=/run/postgresql", "--username=postgres")
        words = ("exec", "postgres-0", "--", *psql, "-AtqX", "--command", query, "dagster")
        return self.kubectl(*words).strip()

    @property
    def _release(self) -> Path:
        return self.volumes / "data" / "locations" / "pipes" / "release"


def _logged_in(address: str, port: int, user: str = "admin") -> Dashboard | None:
    """Return the dashboard as a user sees it who has logged in; None if nobody answers there."""
    connection = HTTPConnection(address, port, timeout=TIMEOUT_SECONDS)
    form = {"Host": HOST, "Content-Type": "application/x-www-form-urlencoded"}
    try:
        connection.request("POST", "/gate/login", f"user={user}&password={quote(PASSWORD)}", form)
        cookie = connection.getresponse().headers["Set-Cookie"] or ""
    except (OSError, HTTPException):
        return None
    finally:
        connection.close()
    headers = {"Host": HOST, "Cookie": cookie.partition(";")[0]}
    return Dashboard(port, address, headers) if cookie else None


def _is_ready(pod: dict[str, Any]) -> bool:
    """Tell whether a Service leads to a pod."""
    conditions = pod["status"].get("conditions", ())
    ready = any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
    return ready and "deletionTimestamp" not in pod["metadata"]


@pytest.fixture(scope="module")
def kubernetes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster; it goes with all of its processes."""
    folder = tmp_path_factory.mktemp(f"dagnix-test-{os.getpid()}-")
    with cluster(folder) as made:
        yield made


@pytest.fixture(scope="module")
def deployed(
    podman: Podman, kubernetes: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployed]:
    """The stack with the example, as the page deploys it."""
    folder = tmp_path_factory.mktemp("kubernetes")
    tree = folder / "checkout"
    checkout.copy(tree)
    _configure(tree / "config" / "dagster.yaml")
    settings = {"DAGNIX_REGISTRY": f"{REGISTRY}/team", "DAGNIX_HOSTS": HOST}
    stack = Stack.new(podman, folder, tree, **settings)
    volumes = kubernetes.volumes(stack.project, ["data", "postgres-data-postgres-0"])
    made = Deployed(kubernetes, stack, volumes)
    made.write("first")
    for role in ("admin", "viewer"):
        stack.dagnix("auth", "add", role, "--role", role, stdin=PASSWORD)
    try:
        made.apply()
        made.typed(ROLLOUT)
        made.dashboard().wait_for_job("example")
        yield made
    finally:
        podman.remove(stack.project)


def _configure(file: Path) -> None:
    """Let one run be in flight, and let nobody wait for a look that is rare."""
    text = file.read_text()
    for old, new in (
        ("max_concurrent_runs: 4", "max_concurrent_runs: 1"),
        ("poll_interval_seconds: 30", "poll_interval_seconds: 3"),
    ):
        assert old in text
        text = text.replace(old, new)
    file.write_text(text)


@PAGE.run_by(APPLY, ROLLOUT)
def test_the_example_runs_as_a_job(deployed: Deployed) -> None:
    dashboard = deployed.dashboard()
    run_id, status = dashboard.run("example")
    assert status is DagsterRunStatus.SUCCESS, dashboard.said_of(run_id)
    found = deployed.sql("SELECT count(*) FROM storage.weather WHERE date <= '2012-01-31'")
    assert found == "31"

    events = dashboard.query(
        """query Events($run: ID!) {
             logsForRun(runId: $run) { ... on EventConnection {
               events { ... on LogsCapturedEvent { fileKey } } } } }""",
        run=run_id,
    )["logsForRun"]["events"]
    (captured,) = filter(None, events)
    logs = dashboard.query(
        "query Logs($key: [String!]!) { capturedLogs(logKey: $key) { stderr } }",
        key=[run_id, "compute_logs", captured["fileKey"]],
    )["capturedLogs"]
    assert "STEP_SUCCESS" in logs["stderr"]


def test_a_viewer_launches_nothing(deployed: Deployed) -> None:
    viewer = deployed.dashboard("viewer")
    before = viewer.runs()
    with pytest.raises(AssertionError, match=r"launchRun.*operator|operator.*launchRun"):
        viewer.query(LAUNCH)
    assert viewer.runs() == before


def test_a_deploy_loses_no_run_in_flight_and_none_in_the_queue(deployed: Deployed) -> None:
    deployed.wait_for_code("first")
    launched = deployed.held()
    dashboard = deployed.dashboard()
    queued = [dashboard.client.submit_job_execution("held") for _ in range(QUEUED)]
    deployed.write("second")
    deployed.apply()
    deployed.typed(ROLLOUT)
    assert dashboard.status(launched) is DagsterRunStatus.STARTED
    runs = dashboard.runs()
    assert {runs[each] for each in queued} == {DagsterRunStatus.QUEUED}
    # Two of them run; all others would cost each test run a minute of both cores.
    deployed.wait_for_code("second")
    new = dashboard.client.submit_job_execution("held")
    for each in queued[1:]:
        dashboard.terminate(each)
    deployed.release()
    assert [deployed.answer(each) for each in (launched, queued[0], new)] == [
        "first",
        "first",
        "second",
    ]


@PAGE.run_by(DESCRIBE)
def test_code_that_does_not_load_is_refused_and_the_old_code_goes_on(deployed: Deployed) -> None:
    stack = deployed.stack.checkout / "stack.yaml"
    before, served = stack.read_text(), deployed.served()
    deployed.write("third", "import no_such_module\n")
    deployed.apply()
    said = r"Readiness probe failed: .*No module named 'no_such_module' \(\S+/held\.py, line 1\)"
    # It fails if a pod that it has listed goes meanwhile.
    wait_until(
        lambda: re.search(said, deployed.typed(DESCRIBE, check=False)), "the pod's events say why"
    )
    # Nobody waits for five minutes here until Kubernetes gives up.
    words = ("rollout", "status", "deployment/pipes", "--watch=false")
    assert "Waiting for deployment" in deployed.kubectl(*words, check=False)
    deployed.release()
    assert deployed.answer(deployed.dashboard().run("held")[0]) in served
    stack.write_text(before)
    deployed.typed(APPLY)
    deployed.typed(ROLLOUT)


def test_the_run_of_a_pod_that_is_killed_is_retried(deployed: Deployed) -> None:
    launched = deployed.held()
    (pod,) = deployed.pods(f"dagster/run-id={launched}")
    deployed.kubectl("delete", pod, "--force", "--grace-period=0")
    again = deployed.retry_of(launched)
    deployed.release()
    deployed.wait_for_code(deployed.answer(again))


def test_a_run_goes_on_while_the_daemon_is_killed(deployed: Deployed) -> None:
    launched = deployed.held()
    deployed.kubectl("delete", "pod/daemon-0", "--force", "--grace-period=0")
    deployed.kubectl("rollout", "status", "statefulset/daemon", "--timeout=540s")
    assert deployed.dashboard().status(launched) is DagsterRunStatus.STARTED
    deployed.release()
    launched_later = deployed.dashboard().client.submit_job_execution("held")
    for each in (launched, launched_later):
        deployed.wait_for_code(deployed.answer(each))


def test_a_node_that_is_drained_loses_no_history_and_no_run(deployed: Deployed) -> None:
    launched = deployed.held()
    before = deployed.dashboard().runs()
    deployed.kubectl("drain", "node", "--delete-emptydir-data", "--force", "--timeout=540s")
    # Their successors wait for a node.
    assert not deployed.kubectl("get", "pods", "--field-selector=spec.nodeName=node", "-oname")
    deployed.kubectl("uncordon", "node")
    deployed.typed(ROLLOUT)
    again = deployed.retry_of(launched)
    deployed.release()
    deployed.wait_for_code(deployed.answer(again))
    after = deployed.dashboard().runs()
    assert {each: after[each] for each in before if each != launched} == {
        each: status for each, status in before.items() if each != launched
    }


@PAGE.run_by(DELETE)
def test_deleting_it_leaves_nothing(deployed: Deployed) -> None:
    deployed.typed(DELETE)
    said = deployed.kubectl("get", f"namespace/{deployed.stack.project}", check=False)
    assert "NotFound" in said
    kinds = "all,configmaps,secrets,persistentvolumeclaims,roles,rolebindings,networkpolicies"
    label = f"--selector=app.kubernetes.io/instance={deployed.stack.project}"
    assert deployed.cluster.get(kinds, "--all-namespaces", label)["items"] == []
