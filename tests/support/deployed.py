"""The stack in a cluster, deployed as the documentation says."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import quote

from dagster import DagsterRunStatus

from support import checkout
from support.command import TIMEOUT_SECONDS, run, wait_until
from support.dashboard import Dashboard
from support.kubernetes import REGISTRY, Cluster
from support.markdown import Page
from support.stack import Stack

PAGE = Page(Path("docs/howto/kubernetes.md"))
RENDER = "./dagnix kubernetes render > stack.yaml"
APPLY = "kubectl apply -f stack.yaml"
HOST = "dagster.example.org"  # the name that an Ingress would serve
PASSWORD = "correct horse battery"
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

    def typed(
        self,
        *commands: str,
        page: Page = PAGE,
        replace: Mapping[str, str] | None = None,
        check: bool = True,
    ) -> str:
        """Run commands of a page in the checkout, in one shell; return what they print."""
        names = {"-n dagnix": f"-n {self.stack.project}", **(replace or {})}
        script = "\n".join(page.typed(each, names) for each in commands)
        environment = {
            **self.stack.environment,
            "KUBECONFIG": str(self.cluster.folder / "config"),
            "PATH": f"{self.cluster.programs}:{os.environ['PATH']}",
        }
        shell = ["sh", "-euc", script]
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

    def push(self) -> None:
        """Send the images to the cluster's registry."""
        push = [self.stack.checkout / "dagnix", "push", f"{REGISTRY}/team"]
        run([*self.cluster.on_its_network, *push], env=self.stack.environment)

    def apply(self) -> None:
        """Push, render and apply, as the page says."""
        self.push()
        self.typed(RENDER)
        self.typed(APPLY)

    def dashboard(self, user: str = "admin") -> Dashboard:
        """Return the dashboard as a user sees it who has logged in, at the Service's address."""
        service = json.loads(self.kubectl("get", "service/webserver", "--output=json"))["spec"]
        at = service["clusterIP"], service["ports"][0]["port"]
        # Its pods may have become ready just now.
        return wait_until(lambda: logged_in(*at, user), f"{user} can log in")

    def served(self) -> set[str]:
        """Return the answers of the code that the webservers have; "" is of none that loads.

        Also of those that are not ready: they may be so in a moment, with the code from before.
        """
        service = json.loads(self.kubectl("get", "service/webserver", "--output=json"))["spec"]
        port = service["ports"][0]["port"]
        label = "--selector=app.kubernetes.io/component=webserver"
        pods = json.loads(self.kubectl("get", "pods", label, "--output=json"))["items"]
        stay = [pod["status"] for pod in pods if "deletionTimestamp" not in pod["metadata"]]
        addresses = [each.get("podIP") for each in stay]
        found = [logged_in(each, port) if each else None for each in addresses]
        return {
            each.query(SERVED)["pipelineOrError"].get("description", "") if each else ""
            for each in found
        }

    def wait_for_code(self, answer: str) -> None:
        """Wait until all webservers have the code with this answer: each looks for itself."""
        wait_until(lambda: self.served() == {answer}, f"the code of the dashboards is {answer}")

    def code(self) -> str:
        """Wait until all webservers have the same code, and return its answer."""

        def same() -> str:
            found = self.served()
            return found.pop() if len(found) == 1 else ""

        return wait_until(same, "all dashboards have the same code")

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


def logged_in(address: str, port: int, user: str = "admin") -> Dashboard | None:
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
