"""The stack on a real Kubernetes: one cluster, one stack, and its tests in a row.

The last test moves another stack there, from podman.
"""

import os
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dagster import DagsterRunStatus
from support import checkout
from support.command import wait_until
from support.dashboard import Dashboard
from support.deployed import APPLY, CODE, HOST, PAGE, PASSWORD, Deployed, logged_in
from support.kubernetes import REGISTRY, Cluster, cluster
from support.markdown import Page
from support.podman import TEST_LABEL, Podman
from support.stack import ROOT, Stack

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="a node of Kubernetes is root's")

ROLLOUT = "kubectl -n dagnix rollout status deployment,statefulset"
DESCRIBE = "kubectl -n dagnix describe pod -l app.kubernetes.io/component=code-server"
DELETE = "kubectl delete -f stack.yaml"
QUEUED = 20
LAUNCH = """mutation { launchRun(executionParams: {selector: {
    repositoryLocationName: "pipes", repositoryName: "__repository__", jobName: "example"
}}) { __typename } }"""
EVENTS = """query Events($run: ID!) { logsForRun(runId: $run) { ... on EventConnection {
    events { ... on LogsCapturedEvent { fileKey } }
} } }"""
LOGS = "query Logs($key: [String!]!) { capturedLogs(logKey: $key) { stderr } }"


@pytest.fixture(scope="module")
def kubernetes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster; it goes with all of its processes."""
    folder = tmp_path_factory.mktemp(f"dagnix-test-{os.getpid()}-")
    with cluster(folder) as made:
        yield made


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout in which one run is in flight at a time."""
    folder = tmp_path_factory.mktemp("kubernetes") / "checkout"
    checkout.copy(folder)
    _configure(folder / "config" / "dagster.yaml")
    checkout.commit(folder, "One run at a time")
    return folder


@pytest.fixture(scope="module")
def deployed(podman: Podman, kubernetes: Cluster, tree: Path) -> Iterator[Deployed]:
    """The stack with the example, as the page deploys it."""
    claims = ["data", "postgres-data-postgres-0"]
    made = another(podman, kubernetes, tree.parent, tree, claims)
    made.write("first")
    try:
        made.apply()
        made.typed(ROLLOUT)
        made.dashboard().wait_for_job("example")
        yield made
    finally:
        podman.remove(made.stack.project)


def another(
    podman: Podman, kubernetes: Cluster, folder: Path, tree: Path, claims: list[str]
) -> Deployed:
    """Name a stack of a checkout, with logins, and make volumes for it; nothing is started."""
    settings = {"DAGNIX_REGISTRY": f"{REGISTRY}/team", "DAGNIX_HOSTS": HOST}
    stack = Stack.new(podman, folder, tree, **settings)
    for role in ("admin", "viewer"):
        stack.dagnix("auth", "add", role, "--role", role, stdin=PASSWORD)
    return Deployed(kubernetes, stack, kubernetes.volumes(stack.project, claims))


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

    assert "STEP_SUCCESS" in printed(dashboard, run_id)


def printed(dashboard: Dashboard, run_id: str) -> str:
    """Return what the step of a run has printed."""
    events = dashboard.query(EVENTS, run=run_id)["logsForRun"]["events"]
    (captured,) = filter(None, events)
    key = [run_id, "compute_logs", captured["fileKey"]]
    return dashboard.query(LOGS, key=key)["capturedLogs"]["stderr"]


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
    before, served = stack.read_text(), deployed.code()
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
    assert deployed.answer(deployed.dashboard().run("held")[0]) == served
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


MOVE = Page(Path("docs/howto/move-to-kubernetes.md"))
STEPS = MOVE.commands()
ADMIN = "administrator"  # of the database outside; no superuser, as in most clouds
SCHEDULED = """


@dg.op
def nothing() -> None:
    pass


@dg.job
def small() -> None:
    nothing()


@dg.schedule(job=small, cron_schedule="* * * * *")
def each_minute() -> dg.RunRequest:
    return dg.RunRequest()
"""
SELECTOR = """scheduleSelector: {
    repositoryLocationName: "pipes", repositoryName: "__repository__", scheduleName: "each_minute"
}"""
START = f"mutation {{ startSchedule({SELECTOR}) {{ __typename }} }}"
SCHEDULE = f"""{{ scheduleOrError({SELECTOR}) {{ ... on Schedule {{
    scheduleState {{ status ticks {{ timestamp status runIds }} }}
}} }} }}"""
SCHEDULED_RUNS = """{ runsOrError(filter: {pipelineName: "small"}) {
    ... on Runs { results { runId tags { key value } } }
} }"""


def steps(first: str, last: str) -> list[str]:
    """Return the commands of the page from one to another, which begin with these words."""
    begin = next(place for place, each in enumerate(STEPS) if each.startswith(first))
    end = max(place for place, each in enumerate(STEPS) if each.startswith(last))
    return STEPS[begin : end + 1]


def schedule(dashboard: Dashboard) -> dict[str, Any]:
    """Return whether the schedule is running, and its ticks, the last one first."""
    return dashboard.query(SCHEDULE)["scheduleOrError"]["scheduleState"]


def last_tick(dashboard: Dashboard, after: float = 0) -> float:
    """Wait for a tick that is over, and return when it was due."""

    def over() -> float:
        ticks = schedule(dashboard)["ticks"]
        times = [each["timestamp"] for each in ticks if each["status"] == "SUCCESS"]
        return max((each for each in times if each > after), default=0)

    return wait_until(over, "the schedule has a tick")


def serve_database(kubernetes: Cluster, stack: Stack, folder: Path) -> dict[str, str]:
    """Serve an empty PostgreSQL on the cluster's network; return what names it and its admin."""
    podman, name, image = stack.podman, f"{stack.project}-database", _image(stack)
    data = folder / "database"
    data.mkdir(mode=0o700)
    shutil.chown(data, 10001, 10001)
    same = ("run", f"--label={TEST_LABEL}={stack.project}", f"--volume={data}:/data")
    initdb = ("--pgdata=/data", "--username=postgres", "--auth-local=trust", "--no-sync")
    podman(*same, "--rm", "--network=none", "--entrypoint=initdb", image, *initdb)
    with (data / "pg_hba.conf").open("a") as rules:
        rules.write("host all all all scram-sha-256\n")
    network = f"--network=ns:/proc/{kubernetes.init}/ns/net"
    settings = ("listen_addresses=*", "unix_socket_directories=/tmp", "fsync=off")
    options = [word for each in settings for word in ("-c", each)]
    server = ("--entrypoint=postgres", image, "-D", "/data", *options)
    podman(*same, "--detach", f"--name={name}", network, *server)
    make = f"CREATE ROLE {ADMIN} LOGIN CREATEDB CREATEROLE PASSWORD '{PASSWORD}'"
    psql = ("exec", name, "psql", "--host=/tmp", "--username=postgres", f"--command={make}")
    wait_until(lambda: podman(*psql, check=False).returncode == 0, "the database answers")
    return {"db.example.org": kubernetes.network.node, "-U postgres": f"-U {ADMIN}"}


def _image(stack: Stack) -> str:
    return f"localhost/dagnix/postgres:{stack.project}"


@MOVE.run_by(*STEPS)
def test_a_stack_moves_here_with_its_history(
    podman: Podman,
    kubernetes: Cluster,
    tree: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    moved = another(podman, kubernetes, tmp_path, tree, ["data"])
    stack = moved.stack
    moved.write("moved", CODE + SCHEDULED)
    names = {
        "dagnix_": f"{stack.project}_",
        ".dagnix/backups": stack.environment["DAGNIX_BACKUPS_DIR"],
        f"localhost/dagnix/postgres:{(ROOT / 'VERSION').read_text().strip()}": _image(stack),
    }
    try:
        stack.dagnix("up")
        moved.push()
        dashboard = wait_until(lambda: logged_in("127.0.0.1", stack.port), "the gate answers")
        (old,) = dashboard.runs()
        dashboard.query(START)
        last_tick(dashboard)
        held, queued = (dashboard.client.submit_job_execution("held") for _ in "ab")
        started = DagsterRunStatus.STARTED
        wait_until(lambda: dashboard.status(held) is started, "the run has started")
        before = dashboard.said_of(old), printed(dashboard, old)

        first, stop, wait, *others = steps("eval", "./dagnix down")
        moved.typed(first, stop, page=MOVE, replace=names)
        release = "open('/var/lib/dagster/release', 'w')"
        stack.exec("pipes", "python3.13", "-c", release)
        moved.typed(wait, *others, page=MOVE, replace=names)
        names |= serve_database(kubernetes, stack, tmp_path)
        monkeypatch.setenv("PGPASSWORD", PASSWORD)
        moved.typed(*steps("backup=", "kubectl -n dagnix exec"), page=MOVE, replace=names)

        moved.wait_for_code("moved")
        dashboard = moved.dashboard()
        assert (dashboard.said_of(old), printed(dashboard, old)) == before
        assert dashboard.status(held) is DagsterRunStatus.SUCCESS
        assert dashboard.status(queued) is DagsterRunStatus.QUEUED
        assert schedule(dashboard)["status"] == "RUNNING"
        last = last_tick(dashboard)
        wait_until(lambda: time.time() > last + 60, "a tick is missed")
        began = time.time()

        daemon = steps("kubectl -n dagnix rollout status statefulset", "rm")
        moved.typed(APPLY, *daemon, page=MOVE, replace=names)
        assert moved.answer(queued) == "moved"
        # Of the ticks that were missed, the last one.
        assert began - 60 < last_tick(dashboard, after=last) <= time.time()
        ticks = schedule(dashboard)["ticks"]
        times = [each["timestamp"] for each in ticks]
        assert not [each for each in times if last < each < began - 60]
        assert len({*times}) == len(times)
        assert {len(each["runIds"]) for each in ticks if each["status"] == "SUCCESS"} == {1}
        runs = dashboard.query(SCHEDULED_RUNS)["runsOrError"]["results"]
        tags = [(tag["key"], tag["value"]) for each in runs for tag in each["tags"]]
        of_ticks = [value for key, value in tags if key == "dagster/tick"]
        assert len({*of_ticks}) == len(of_ticks) == len(runs) >= 2
        moved.typed(STEPS[-1], page=MOVE, replace=names)
    finally:
        podman.remove(stack.project)
