"""The code of a team that changes it while it runs."""

import re
import time
from pathlib import Path
from typing import Any

from dagster import DagsterRunStatus

from support.command import wait_until
from support.dashboard import Dashboard

PROJECT = """
[project]
name = "team"
version = "0"
dependencies = ["dagster"]

[tool.dagster]
module_name = "team"
code_location_name = "pipes"
"""

# Every run is tagged with the answer of the code that its last step imported.
CODE = """
import os
import signal
import time
from pathlib import Path

import dagster as dg

ANSWER = "first"
RELEASE = Path("/run/dagnix/pipes/release")  # the folder of its sockets, which the host has, too


@dg.op
def wait(context: dg.OpExecutionContext) -> int:
    while not RELEASE.exists():
        context.log.info("waiting")
        time.sleep(1)
    return 1


@dg.op
def answer(context: dg.OpExecutionContext, before: int) -> None:
    context.instance.add_run_tags(context.run_id, {"answer": ANSWER})


@dg.op
def begin() -> int:
    return 1


@dg.op
def sleep() -> None:
    time.sleep(3600)


@dg.job
def long() -> None:
    answer(wait())


# In one process: each further one loads the code anew. Its description tells which code is served.
@dg.job(executor_def=dg.in_process_executor, description=ANSWER)
def short() -> None:
    answer(begin())


@dg.job(executor_def=dg.in_process_executor)
def endless() -> None:
    sleep()


@dg.job(executor_def=dg.in_process_executor)
def counted() -> None:
    begin()


@dg.op
def write(context: dg.OpExecutionContext) -> None:
    while not RELEASE.exists():
        context.log.info("a line that goes to Postgres")
        time.sleep(0.1)


@dg.op
def fail(context: dg.OpExecutionContext) -> None:
    while not RELEASE.exists():
        time.sleep(0.2)
    if "dagster/parent_run_id" not in context.run.tags:
        raise RuntimeError("the first try fails")


@dg.op
def rubbish(context: dg.OpExecutionContext) -> None:
    print('{"event": "lie", "level": "info", "logger": "x", "timestamp": "x", "service": "gate"}')
    print('{"message": {"not": "at its end"')
    print("\\x1b[31m\\0\\r\\x85\\u2028", "x" * 100_000)
    os.write(1, b"\\xff\\xfe\\xed\\xa0\\x80\\n\\n")
    os.write(1, b"without an end")
    os.write(2, b"of a library\\n")
    context.log.info("logged - as it is")
    raise ValueError("what it says")


@dg.job
def noisy() -> None:
    rubbish()


@dg.op
def crash() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


@dg.job
def crashing() -> None:
    crash()


RETRIED = {"dagster/max_retries": "1", "dagster/retry_on_asset_or_op_failure": "true"}


@dg.job(executor_def=dg.in_process_executor, tags=RETRIED)
def writing() -> None:
    write()


@dg.job(executor_def=dg.in_process_executor, tags=RETRIED)
def failing() -> None:
    fail()


@dg.sensor(job=counted, minimum_interval_seconds=15)
def counting(context: dg.SensorEvaluationContext):
    count = int(context.cursor or 0) + 1
    context.update_cursor(str(count))
    return dg.RunRequest(run_key=str(count))


@dg.schedule(job=counted, cron_schedule="* * * * *")
def minutely():
    return dg.SkipReason("only its ticks matter")


defs = dg.Definitions(
    jobs=[long, short, endless, counted, writing, failing, crashing, noisy],
    sensors=[counting],
    schedules=[minutely],
)
"""

# Its answers are a secret as the module, a resource and a file have it, and a setting.
SECRET = (
    CODE.replace(
        'ANSWER = "first"',
        """ANSWER = "first"
AT_IMPORT = os.environ["API_KEY"]


class Service(dg.ConfigurableResource):
    key: str
    greeting: str
""",
    )
    .replace("before: int) -> None", "before: int, service: Service) -> None")
    .replace(
        '{"answer": ANSWER}',
        """{
        "answer": f"{AT_IMPORT} {service.key} {Path(os.environ['API_KEY_FILE']).read_text()} "
        + service.greeting
    }""",
    )
    .replace(
        "defs = dg.Definitions(",
        """defs = dg.Definitions(
    resources={"service": Service(key=dg.EnvVar("API_KEY"), greeting=dg.EnvVar("GREETING"))},""",
    )
)

# What is wrong: the code, the project's pyproject.toml, and what must be said.
BROKEN = {
    "a syntax error": (
        CODE + "\ndef broken(:\n",
        PROJECT,
        r"SyntaxError.*team\.py, line \d+|team\.py\", line \d+(.|\n)*SyntaxError",
    ),
    "an import error": (
        "import no_such_module\n" + CODE,
        PROJECT,
        r"No module named 'no_such_module' \(/opt/dagster/pipes/team\.py, line 1\)",
    ),
    "a missing dependency": (
        CODE,
        PROJECT.replace('"dagster"', '"dagster", "no-such-package>=2", "dagster<1"'),
        r"/opt/dagster/pipes/pyproject\.toml depends on .* lacks: no-such-package>=2, dagster<1 \(",
    ),
    "a definition that Dagster rejects": (
        CODE + "\n\n@dg.job\ndef twin() -> None:\n    begin(1)\n",
        PROJECT,
        r"DagsterInvalidDefinitionError.* \(/opt/dagster/pipes/team\.py, line \d+\)",
    ),
}

# Longer than any tick takes: Dagster ends one after a minute.
TICK_SECONDS = 90

_SELECTOR = {"repositoryLocationName": "pipes", "repositoryName": "__repository__"}
_START = """
mutation Start($sensor: SensorSelector!, $schedule: ScheduleSelector!) {
  startSensor(sensorSelector: $sensor) { __typename ... on PythonError { message } }
  startSchedule(scheduleSelector: $schedule) { __typename ... on PythonError { message } }
}
"""
_IDS = """
query Ids($sensor: SensorSelector!, $schedule: ScheduleSelector!) {
  sensorOrError(sensorSelector: $sensor) { ... on Sensor { sensorState { id } } }
  scheduleOrError(scheduleSelector: $schedule) { ... on Schedule { scheduleState { id } } }
}
"""
_STOP = """
mutation Stop($sensor: String!, $schedule: String!) {
  stopSensor(id: $sensor) { __typename ... on PythonError { message } }
  stopRunningSchedule(id: $schedule) { __typename ... on PythonError { message } }
}
"""
_RESET = """
mutation Reset($sensor: SensorSelector!) {
  setSensorCursor(sensorSelector: $sensor, cursor: "") { __typename }
}
"""
_SERVED = """
{ workspaceOrError { ... on Workspace { locationEntries { locationOrLoadError {
    ... on RepositoryLocation { repositories { jobs { name description } } }
} } } } }
"""
_STATES = """
query States($sensor: SensorSelector!, $schedule: ScheduleSelector!) {
  sensorOrError(sensorSelector: $sensor) {
    ... on Sensor { sensorState {
      status ticks(limit: 1) { status timestamp }
      typeSpecificData { ... on SensorData { lastCursor } }
    } }
  }
  scheduleOrError(scheduleSelector: $schedule) {
    ... on Schedule { scheduleState { status ticks { timestamp status } } }
  }
}
"""
_RUNS = """
query Runs($job: String!) {
  runsOrError(filter: {pipelineName: $job}) { ... on Runs { results {
    runId status tags { key value }
  } } }
}
"""


def write(folder: Path, answer: str, code: str = CODE, project: str = PROJECT) -> None:
    """Write the project into a folder, as an editor saves it."""
    folder.chmod(0o755)  # containers have another uid
    (folder / "pyproject.toml").write_text(project)
    (folder / "team.py").write_text(code.replace('"first"', f'"{answer}"'))


def saved(folder: Path) -> str:
    """Return the answer of the code that is saved in a folder."""
    found = re.search(r'^ANSWER = "(.*)"$', (folder / "team.py").read_text(), re.MULTILINE)
    return found[1] if found else ""


class Team:
    """What the team sees in the dashboard."""

    def __init__(self, dashboard: Dashboard) -> None:
        self.dashboard = dashboard
        self._since = 0.0  # when the automations were started, in seconds since 1970
        self._automations = {
            "sensor": {**_SELECTOR, "sensorName": "counting"},
            "schedule": {**_SELECTOR, "scheduleName": "minutely"},
        }

    def start_automations(self) -> None:
        """Switch the sensor and the schedule on."""
        self._since = time.time()
        done = self.dashboard.query(_START, **self._automations)
        assert {each["__typename"] for each in done.values()} == {
            "Sensor",
            "ScheduleStateResult",
        }, done

    def stop_automations(self) -> None:
        """Switch them off, so that their runs do not keep the queue busy."""
        ids = self.dashboard.query(_IDS, **self._automations)
        sensor, schedule = ids["sensorOrError"], ids["scheduleOrError"]
        done = self.dashboard.query(
            _STOP, sensor=sensor["sensorState"]["id"], schedule=schedule["scheduleState"]["id"]
        )
        assert {each["__typename"] for each in done.values()} == {
            "StopSensorMutationResult",
            "ScheduleStateResult",
        }, done
        # One that is under way launches a run and moves the cursor all the same.
        wait_until(lambda: not self._is_ticking(), "the sensor's last tick has ended")

    def _is_ticking(self) -> bool:
        """Tell whether the sensor ticks now; a daemon that is killed leaves one that never ends."""
        sensor, _ = self.automations()
        oldest = time.time() - TICK_SECONDS
        return any(
            tick["status"] == "STARTED" and tick["timestamp"] > oldest for tick in sensor["ticks"]
        )

    def reset_automations(self) -> None:
        """Switch them off if they are on, and have the sensor begin again."""
        if "RUNNING" in {each["status"] for each in self.automations()}:
            self.stop_automations()
        self.dashboard.query(_RESET, sensor=self._automations["sensor"])

    def automations(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the states of the sensor and of the schedule."""
        states = self.dashboard.query(_STATES, **self._automations)
        return states["sensorOrError"]["sensorState"], states["scheduleOrError"]["scheduleState"]

    def _cursor(self) -> int:
        """Return how many ticks of the sensor have ended, since it began again."""
        sensor, _ = self.automations()
        return int(sensor["typeSpecificData"]["lastCursor"] or 0)

    def minutes(self) -> list[int]:
        """Return the minutes for which the schedule has ticked since its start, oldest first."""
        _, schedule = self.automations()
        moments = sorted(tick["timestamp"] for tick in schedule["ticks"])
        return [round(moment / 60) for moment in moments if moment > self._since]

    def wait_for_tick(self) -> None:
        """Wait until the schedule has ticked once more."""
        before = len(self.minutes())
        wait_until(lambda: len(self.minutes()) > before, "the schedule ticks")

    def tags(self, job: str) -> dict[str, dict[str, str]]:
        """Return the tags of a job's runs, by run ID."""
        found = self.dashboard.query(_RUNS, job=job)["runsOrError"]["results"]
        return {each["runId"]: {t["key"]: t["value"] for t in each["tags"]} for each in found}

    def served(self) -> str:
        """Return the answer of the code that the dashboard serves; "" if it does not load."""
        entries = self.dashboard.query(_SERVED)["workspaceOrError"].get("locationEntries", ())
        return "".join(
            job["description"] or ""
            for entry in entries
            for repository in (entry["locationOrLoadError"] or {}).get("repositories", ())
            for job in repository["jobs"]
            if job["name"] == "short"
        )

    def answer(self, job: str, run: str) -> str:
        """Return the answer of a run that has succeeded."""
        ended = self.dashboard.end_of(run)
        assert ended is DagsterRunStatus.SUCCESS, (job, run, self.dashboard.said_of(run))
        return self.tags(job)[run]["answer"]

    def cancel(self, run: str) -> DagsterRunStatus:
        """Cancel a run as the dashboard does; return the status it ends in."""
        done = self.dashboard.terminate(run)
        assert done == "TerminateRunSuccess", done
        return self.dashboard.end_of(run)

    def require_automations_went_on(self) -> None:
        """Require that both are on, and that no tick was lost or doubled."""
        before = self._cursor()
        keys = sorted(int(tags["dagster/run_key"]) for tags in self.tags("counted").values())
        sensor, schedule = self.automations()
        assert sensor["status"] == schedule["status"] == "RUNNING"
        assert keys == list(range(1, len(keys) + 1))
        # A tick launches its run, and moves the cursor after that; meanwhile it may have ticked.
        assert before <= len(keys) <= self._cursor() + 1
        minutes = self.minutes()
        assert minutes == list(range(minutes[0], minutes[-1] + 1))
