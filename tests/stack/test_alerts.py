"""The way from a run that fails to a webhook; src/entrypoint/internal/alerts tests all else."""

from pathlib import Path

from dagster import DagsterRunStatus
from support.command import wait_until
from support.markdown import Page
from support.served import Served
from support.stack import Stack

PAGE = Page(Path("docs/howto/alerts.md"))
SET, TEST = "./dagnix alerts set slack", "./dagnix alerts test"
LIST, REMOVE = "./dagnix alerts list", "./dagnix alerts remove slack"
PORT = 8080
# It writes what it gets into a folder that the host has, too: from when the file is there, it
# listens, and ends when the file is gone.
SINK = f"""
import http.server, json, pathlib
told = pathlib.Path("/run/dagnix/pipes/told")
class Sink(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with told.open("a") as file:
            file.write(json.loads(body)["text"].replace("\\n", " ") + "\\n")
        self.send_response(200)
        self.end_headers()
server = http.server.HTTPServer(("", {PORT}), Sink)
server.timeout = 1
told.touch()
while told.exists():
    server.handle_request()
"""


def logged(stack: Stack) -> str:
    """Return what podman has kept by now of what the service has said."""
    done = stack.dagnix("logs", "alerts")
    return done.stdout + done.stderr


@PAGE.run_by(SET, TEST, LIST, REMOVE)
def test_a_run_that_fails_is_told_through_a_webhook(mounted: Served) -> None:
    stack = mounted.stack
    told = stack.sockets / "pipes" / "told"
    pipes = stack.container("pipes")
    stack.podman("exec", "--detach", pipes, "python3.13", "-c", SINK)
    wait_until(told.exists, "the webhook listens")
    stack.dagnix(*SET.split()[1:], stdin=f"http://pipes:{PORT}/hush\n")
    try:
        assert stack.dagnix(*LIST.split()[1:]).stdout == "slack\n"
        assert stack.dagnix(*TEST.split()[1:]).stdout == "slack: sent\n"
        mounted.release()
        tags = {"dagster/max_retries": "0"}
        run = mounted.client.submit_job_execution("failing", tags=tags)
        assert mounted.team.dashboard.end_of(run) is DagsterRunStatus.FAILURE
        wait_until(lambda: "A run of failing failed" in told.read_text(), "it is told")
        (line,) = [each for each in told.read_text().splitlines() if "failing failed" in each]
        assert line.startswith(
            f":red_circle: *[{stack.project}] A run of failing failed* Run {run} "
        )
        assert "Step fail: RuntimeError: the first try fails" in line
        wait_until(
            lambda: "alert: failing: A run of failing failed" in logged(stack), "it is logged"
        )
        assert "hush" not in logged(stack)
    finally:
        stack.dagnix(*REMOVE.split()[1:])
        told.unlink(missing_ok=True)
