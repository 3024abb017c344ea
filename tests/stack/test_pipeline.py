"""The example pipeline in the running stack."""

from pathlib import Path

import pytest
from dagster import DagsterRunStatus
from support.browser import Page, visit
from support.command import wait_until
from support.dashboard import Dashboard
from support.podman import Podman
from support.stack import Stack

INCOMING = "/var/lib/dagster/incoming"
HEADER = "date,precipitation_mm,temp_max_c,temp_min_c,wind_m_per_s,weather\n"
# The example takes the samples of January 2012.
GOOD = ("weather-2012-04-01.csv", "2012-04-01,5.1,14.4,5.6,3.9,rain\n")
# The night is warmer than the day.
BAD = ("weather-2012-04-02.csv", "2012-04-02,0.0,4.4,15.6,2.7,sun\n")


@pytest.fixture(scope="module")
def dashboard(stack: Stack) -> Dashboard:
    return Dashboard(stack.port)


@pytest.fixture(scope="module", autouse=True)
def dropped(stack: Stack, podman: Podman, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Two files in the incoming folder: the sensor looks while other tests run."""
    folder = tmp_path_factory.mktemp("incoming")
    for name, row in (GOOD, BAD):
        (folder / name).write_text(HEADER + row)
        podman("cp", folder / name, f"{stack.container('pipes')}:{INCOMING}/{name}")


@pytest.fixture(scope="module")
def run(stack: Stack, dashboard: Dashboard) -> tuple[str, DagsterRunStatus]:
    """A run of the example on a table without its days: its ID and how it ended."""
    # All others are the sensor's, which may have taken a dropped file by now.
    stack.sql("DELETE FROM storage.weather WHERE date <= '2012-01-31'")
    return dashboard.run("example")


def test_the_job_runs_to_success_and_its_rows_are_in_postgres(
    stack: Stack, run: tuple[str, DagsterRunStatus]
) -> None:
    _, status = run
    assert status is DagsterRunStatus.SUCCESS
    found = stack.sql(
        "SELECT count(*), min(date), max(date) FROM storage.weather WHERE date <= '2012-01-31'"
    )
    assert found == "31|2012-01-01|2012-01-31"
    # The first row of the data set, as its publisher has it.
    found = stack.sql(
        "SELECT precipitation_mm, temp_max_c, temp_min_c, wind_m_per_s, weather"
        " FROM storage.weather WHERE date = '2012-01-01'"
    )
    assert found == "0|12.8|5|4.7|drizzle"


def test_the_dashboard_shows_what_a_run_printed(
    dashboard: Dashboard, run: tuple[str, DagsterRunStatus]
) -> None:
    run_id, _ = run
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


def test_the_log_of_pipes_has_what_a_run_printed(
    stack: Stack, podman: Podman, run: tuple[str, DagsterRunStatus]
) -> None:
    run_id, _ = run

    def logged() -> bool:
        lines = podman.logs(stack.container("pipes")).splitlines()
        return any(run_id in line and "STEP_SUCCESS" in line for line in lines)

    wait_until(logged, "podman has what the run printed")


def test_a_second_run_stores_the_same_rows(
    stack: Stack, dashboard: Dashboard, run: tuple[str, DagsterRunStatus]
) -> None:
    days = "SELECT count(*) FROM storage.weather WHERE date <= '2012-01-31'"
    before = stack.sql(days)
    again, status = dashboard.run("example")
    assert again != run[0]
    assert status is DagsterRunStatus.SUCCESS
    assert stack.sql(days) == before == "31"


def test_the_sensor_takes_a_dropped_file(stack: Stack) -> None:
    columns = "SELECT precipitation_mm, temp_max_c, weather FROM storage.weather"
    found = wait_until(
        lambda: stack.sql(f"{columns} WHERE date = '2012-04-01'"), "the dropped file is stored"
    )
    assert found == "5.1|14.4|rain"


def test_a_bad_file_is_moved_aside_with_the_reason(stack: Stack) -> None:
    rejected = f"{INCOMING}/rejected/{BAD[0]}"
    read = f"print(open('{rejected}').read(), open('{rejected}.reason.txt').read())"
    reason = "temp_min_c 15.6 is above temp_max_c 4.4"
    done = wait_until(
        lambda: said if reason in (said := stack.python("pipes", read)) else "",
        "the bad file is moved aside, with the reason",
    )
    assert BAD[1].strip() in done, "the file itself is kept"
    assert stack.sql("SELECT count(*) FROM storage.weather WHERE date = '2012-04-02'") == "0"


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/locations", ["pipes", "Loaded"]),
        ("/asset-groups", ["daily_weather", "stored_weather"]),
    ],
)
def test_the_dashboard_shows_the_code_location_and_its_assets(
    stack: Stack, tmp_path: Path, path: str, words: list[str]
) -> None:
    def complete() -> Page | None:
        page = visit(stack.url + path, tmp_path)
        return page if all(word in page.elements for word in words) else None

    # On a busy host the first picture may be of a page that is still loading.
    page = wait_until(complete, f"{path} shows {words}")
    assert page.distinct_lines() > 100, "the page is all but blank"
