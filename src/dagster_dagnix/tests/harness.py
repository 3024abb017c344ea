"""A PostgreSQL, an instance in it, and run servers, for tests."""

import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from dagster import DagsterEvent, DagsterInstance, DagsterRun, DagsterRunStatus
from dagster._core.code_pointer import FileCodePointer
from dagster._core.definitions.reconstruct import ReconstructableJob, ReconstructableRepository
from dagster._core.launcher.base import LaunchRunContext
from dagster._core.remote_origin import GrpcServerCodeLocationOrigin, RemoteRepositoryOrigin

from dagster_dagnix.protocol import ask

HERE = Path(__file__).parent
PACKAGE = HERE.parent
# What an op takes that the test ends: longer than the test may take on a slow and busy machine.
LONG_SECONDS = 3600
ANSWER_SECONDS = 60  # of a run server that other processes keep from the processor
ACCOUNT = "postgres"  # of Debian's package, as the server refuses to run as root


def until(look: Callable[[], Any], what: str | Path, seconds: float = 120) -> Any:
    """Wait until a look finds something, and return it; `what` may be the log that says why not."""
    end = time.monotonic() + seconds
    while not (found := look()):
        said = what.read_text() if isinstance(what, Path) else what
        assert time.monotonic() < end, f"not within {seconds} s: {said}"
        time.sleep(0.05)
    return found


@contextmanager
def postgres(*more: str) -> Iterator[Path]:
    """Serve an empty database `dagster` of the user `dagster`; yields the folder of its socket.

    `more` are settings, such as `max_connections=30`.
    """
    (programs, *_) = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    folder = Path(tempfile.mkdtemp(prefix="dagnix-pg-"))
    account: list[str] = []
    if os.geteuid() == 0:
        shutil.chown(folder, ACCOUNT, ACCOUNT)
        account = ["setpriv", f"--reuid={ACCOUNT}", f"--regid={ACCOUNT}", "--clear-groups"]
    data = folder / "data"
    initdb = ["--auth=trust", "--no-sync", "--username=dagster", "--encoding=UTF8"]
    subprocess.run(
        [*account, programs / "initdb", "--pgdata", data, *initdb],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        check=True,
    )
    settings = ["listen_addresses=", f"unix_socket_directories={folder}", "fsync=off", *more]
    options = [word for setting in settings for word in ("-c", setting)]
    server = subprocess.Popen(
        [*account, programs / "postgres", "-D", data, *options],
        cwd=folder,
        stderr=(folder / "log").open("w"),
    )
    try:
        make = [programs / "createdb", "--host", folder, "--username=dagster", "dagster"]
        until(lambda: subprocess.run(make, check=False, capture_output=True).returncode == 0, "up")
        yield folder
    finally:
        server.send_signal(signal.SIGINT)
        server.wait()
        shutil.rmtree(folder)


def fields(database: Path, name: str) -> dict[str, Any]:
    """Return what `postgres_db` of a storage's configuration is for a database."""
    return {
        "hostname": str(database),
        "db_name": name,
        "username": "dagster",
        "password": "none",
        "port": 5432,
    }


class World:
    """An instance, and a folder of sockets for its code locations."""

    def __init__(self, folder: Path, database: Path, settings: Mapping[str, Any]) -> None:
        self.sockets = folder / "s"
        self.home = folder / "home"
        self.home.mkdir()
        config = {
            "storage": {
                "custom": {
                    "module": "dagster_dagnix",
                    "class": "DagnixPostgresStorage",
                    "config": {"postgres_db": fields(database, "dagster")},
                }
            },
            "run_launcher": {
                "module": "dagster_dagnix",
                "class": "ForkedRunLauncher",
                "config": {"sockets": str(self.sockets), "gone_seconds": 1},
            },
            "run_retries": {"enabled": True},
            "telemetry": {"enabled": False},
            **settings,
        }
        (self.home / "dagster.yaml").write_text(json.dumps(config))
        self.instance = DagsterInstance.from_config(str(self.home))

    @property
    def environment(self) -> dict[str, str]:
        """What a run server is started with."""
        path = os.pathsep.join([str(PACKAGE), os.environ.get("PYTHONPATH", "")]).strip(os.pathsep)
        return {**os.environ, "DAGSTER_HOME": str(self.home), "PYTHONPATH": path}

    def run(
        self, location: str, job: str, tags: Mapping[str, str] | None = None, **config: Any
    ) -> DagsterRun:
        """Make a run that is STARTING, as the daemon hands it to the launcher."""
        definition = reconstructable_job(job)
        origin = GrpcServerCodeLocationOrigin(
            host="localhost", socket="code.sock", location_name=location
        )
        repository = RemoteRepositoryOrigin(origin, "__repository__")
        run = self.instance.create_run_for_job(
            definition.get_definition(),
            run_config={"ops": config} if config else {},
            tags=tags,
            remote_job_origin=repository.get_job_origin(job),
            job_code_origin=definition.get_python_origin(),
            status=DagsterRunStatus.QUEUED,
        )
        starting = DagsterEvent(event_type_value="PIPELINE_STARTING", job_name=job)
        self.instance.report_dagster_event(starting, run.run_id)
        return self.get(run)

    def launch(self, run: DagsterRun) -> DagsterRun:
        """Have the launcher start a run."""
        self.instance.run_launcher.launch_run(LaunchRunContext(run, None))
        return self.get(run)

    def get(self, run: DagsterRun) -> DagsterRun:
        """Return the run as it is now."""
        found = self.instance.get_run_by_id(run.run_id)
        assert found
        return found

    def wait(self, run: DagsterRun, status: str, seconds: float = 120) -> DagsterRun:
        """Wait until a run has a status."""
        wanted = DagsterRunStatus(status)

        def look() -> bool:
            now = self.get(run)
            assert now.status is wanted or not now.is_finished, (now.status, self.said(run))
            return now.status is wanted

        until(look, f"{status} of the run, which said {self.said(run)}", seconds)
        # Its last event comes after its status.
        last = {f"RUN_{status}", f"PIPELINE_{status}"}
        if self.get(run).is_finished:
            until(lambda: last & self.events(run), f"the event {status}")
        return self.get(run)

    def events(self, run: DagsterRun) -> set[str]:
        """Return the types of a run's events."""
        entries = self.instance.all_logs(run.run_id)
        return {each.dagster_event.event_type_value for each in entries if each.dagster_event}

    def said(self, run: DagsterRun) -> str:
        """Return what the log of a run says."""
        return "\n".join(each.message for each in self.instance.all_logs(run.run_id))


def reconstructable_job(name: str) -> Any:
    """Return a job of the project, as code that other processes can load."""
    project = HERE / "project"
    pointer = FileCodePointer(str(project / "jobs.py"), "defs", str(project))
    return ReconstructableJob(ReconstructableRepository(pointer), name)


class Served:
    """A run server that a test has started."""

    def __init__(
        self,
        world: World,
        location: str,
        *words: str,
        project: Path = HERE / "project",
        log: Path | None = None,
        **variables: str,
    ) -> None:
        self.world, self.location = world, location
        self.folder = world.sockets / location
        options = () if "--prepare" in words else ("--", "-f", "jobs.py", "-d", str(project))
        self.log = log or world.home / f"{location}-{time.monotonic_ns()}.log"
        host = variables.pop("host", "")
        namespace = ["unshare", "--uts", "sh", "-c", f'hostname {host}; exec "$@"', "-"]
        self.process = subprocess.Popen(
            [
                *(namespace if host else []),
                sys.executable,
                "-m",
                "dagster_dagnix.server",
                f"--sockets={world.sockets}",
                f"--location={location}",
                *words,
                *options,
                *([] if "--prepare" in words else ["--location-name", location]),
            ],
            cwd=project,
            env={**world.environment, **variables},
            stdout=self.log.open("a"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def ask(self, do: str, **details: Any) -> dict[str, Any]:
        """Send a request to it, whether it serves or not."""
        return ask(self.socket(), do, ANSWER_SECONDS, **details)

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Keep it from doing anything meanwhile, as its looks could come in between."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            until(lambda: state(self.process.pid) == "T", "it is stopped")
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def socket(self) -> Path:
        """Return its socket."""

        def look() -> Path | None:
            assert self.process.poll() is None, self.log.read_text()
            for path in self.folder.glob("run-*.sock"):
                with suppress(OSError):
                    if peer(path) == self.process.pid:
                        return path
            return None

        # It imports all of Dagster first, which takes a busy machine long.
        return until(look, "the socket of the run server")

    def ready(self) -> "Served":
        """Wait until it serves code, or is ready to."""
        until(lambda: self.ask("ping")["code"]["ready"], f"ready: {self.log.read_text()}")
        return self

    def kill(self) -> None:
        """Kill it, as the kernel would."""
        self.process.kill()
        self.process.wait()

    def end(self) -> int:
        """Have it end, and return its exit code."""
        self.process.terminate()
        return self.wait()

    def wait(self) -> int:
        """Wait until it has ended, and return its exit code."""
        try:
            return self.process.wait(120)
        except subprocess.TimeoutExpired:
            self.kill()
            raise


def lives(pid: int | str) -> bool:
    """Tell whether a process lives; one that init has not waited for yet does not."""
    return state(pid) not in {"", "Z"}


def state(pid: int | str) -> str:
    """Return a process's state, such as R for one that runs; "" if it is gone."""
    return next(iter(stat(pid)), "")


def stat(pid: int | str) -> list[str]:
    """Return what the kernel says of a process, from its state on; nothing if it is gone."""
    try:
        # After the name, which may have spaces.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def children(pid: int, name: str) -> list[int]:
    """Return the processes of this name that a process has started, and that live."""
    return [
        int(each.name)
        for each in Path("/proc").glob("[0-9]*")
        if stat(each.name)[1:2] == [str(pid)] and lives(each.name) and comm(each) == name
    ]


def comm(process: Path) -> str:
    """Return the name that a process is shown under."""
    try:
        return (process / "comm").read_text().strip()
    except OSError:  # it has ended
        return ""


def peer(path: Path) -> int:
    """Return the process that listens behind a socket."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(path))
        size = struct.calcsize("3i")
        data = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
        return struct.unpack("3i", data)[0]
