# noqa: INP001 - a program, not a package
"""Queue small runs and say what each took: `bench.py default|forked JOB RUNS`.

With `default` they are launched by DefaultRunLauncher through `dagster code-server start`, with
dagster_postgres; with `forked` by this package. Both have a PostgreSQL and a daemon of their own.
CPU seconds are of all processes but this one; rates depend on what else the machine does.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from dagster import DagsterInstance, DagsterRunStatus, RunsFilter
from dagster._core.definitions.selector import JobSubsetSelector
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import WorkspaceFileTarget
from harness import HERE, World, postgres, until

PROJECT = HERE / "project"
AT_ONCE = 4
TICKS = os.sysconf("SC_CLK_TCK")
SETTINGS = {
    "run_queue": {"dequeue_interval_seconds": 2},
    "concurrency": {"runs": {"max_concurrent_runs": AT_ONCE}},
    "run_monitoring": {"enabled": True},
}


def cpu(*roots: int) -> float:
    """Return the CPU seconds of processes, of their children, and of those that have ended."""
    parents, spent = {}, {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(entry.name)] = int(fields[1])
        spent[int(entry.name)] = sum(map(int, fields[11:15])) / TICKS
    tree = set(roots)
    while more := {pid for pid, parent in parents.items() if parent in tree} - tree:
        tree |= more
    return sum(spent.get(pid, 0) for pid in tree)


@contextmanager
def program(log: Path, environment: dict[str, str], *words: str) -> Iterator[int]:
    """Run a program of this Python in the background."""
    process = subprocess.Popen(
        [sys.executable, "-m", *words],
        cwd=PROJECT,
        env=environment,
        stdout=log.open("w"),
        stderr=subprocess.STDOUT,
    )
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait(60)


def measure(way: str, job: str, count: int) -> dict[str, object]:
    """Queue runs, wait for them, and return figures."""
    with ExitStack() as stack:
        database = stack.enter_context(postgres())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        settings = dict(SETTINGS)
        if way == "default":
            url = f"postgresql://dagster:none@/dagster?host={database}"
            settings |= {"storage": {"postgres": {"postgres_url": url}}}
            settings |= {
                "run_launcher": {
                    "module": "dagster._core.launcher.default_run_launcher",
                    "class": "DefaultRunLauncher",
                }
            }
        world = World(folder, database, settings)
        serve = ["dagster_dagnix.server", "--sockets", str(world.sockets), "--location", "bench"]
        socket = world.sockets / "bench" / "code.sock"
        if way == "default":
            socket = folder / "code.sock"
            serve = ["dagster", "code-server", "start", "--socket", str(socket)]
        options = ["-f", "jobs.py", "-d", str(PROJECT), "--location-name", "bench"]
        separator = [] if way == "default" else ["--"]
        environment = world.environment
        code = stack.enter_context(
            program(folder / "code.log", environment, *serve, *separator, *options)
        )
        until(socket.exists, folder / "code.log", 120)
        workspace = folder / "workspace.yaml"
        server = {"socket": str(socket), "location_name": "bench"}
        workspace.write_text(json.dumps({"load_from": [{"grpc_server": server}]}))
        words = ["dagster._daemon", "run", "-w", str(workspace)]
        daemon = stack.enter_context(program(folder / "daemon.log", environment, *words))
        process = stack.enter_context(
            WorkspaceProcessContext(world.instance, WorkspaceFileTarget([str(workspace)]))
        )
        postmaster = int((database / "data/postmaster.pid").read_text().split()[0])
        queue(world.instance, process, job, 2)  # what is done once is not measured
        began = time.monotonic(), cpu(code, daemon), cpu(postmaster)
        records = queue(world.instance, process, job, count)
        wall = time.monotonic() - began[0]
        waits = []
        for record in records:
            stats = world.instance.get_run_stats(record.dagster_run.run_id)
            waits.append(stats.start_time - stats.launch_time)
        return {
            "way": way,
            "job": job,
            "runs a minute": round(60 * count / wall, 1),
            "CPU s a run": round((cpu(code, daemon) - began[1]) / count, 2),
            "CPU s of PostgreSQL a run": round((cpu(postmaster) - began[2]) / count, 2),
            "launch to start s": round(sorted(waits)[len(waits) // 2], 2),
            "states": sorted({each.dagster_run.status.value for each in records}),
            "load": os.getloadavg()[0],
        }


def queue(
    instance: DagsterInstance, process: WorkspaceProcessContext, job: str, count: int
) -> list:
    """Queue runs of a job, and return their records once they have ended."""
    workspace = process.create_request_context()
    location = workspace.get_code_location("bench")
    (repository,) = location.get_repositories().values()
    remote = location.get_job(JobSubsetSelector("bench", repository.name, job, None))
    plan = location.get_execution_plan(remote, {}, None, None, None)
    ids = []
    for _ in range(count):
        run = instance.create_run(
            job_name=job,
            run_id=None,
            run_config={},
            status=DagsterRunStatus.NOT_STARTED,
            tags={},
            root_run_id=None,
            parent_run_id=None,
            step_keys_to_execute=None,
            execution_plan_snapshot=plan.execution_plan_snapshot,
            job_snapshot=remote.job_snapshot,
            parent_job_snapshot=remote.parent_job_snapshot,
            asset_selection=None,
            asset_check_selection=None,
            resolved_op_selection=None,
            op_selection=None,
            remote_job_origin=remote.get_remote_origin(),
            job_code_origin=remote.get_python_origin(),
            asset_graph=repository.asset_graph,
        )
        instance.submit_run(run.run_id, workspace)
        ids.append(run.run_id)

    def finished() -> list:
        records = instance.get_run_records(RunsFilter(run_ids=ids))
        return records if all(each.dagster_run.is_finished for each in records) else []

    return until(finished, "the runs end", 600)


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], sys.argv[2], int(sys.argv[3]))))
