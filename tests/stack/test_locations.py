"""A second team's code location, with another version of a library that the first one has."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from dagster import DagsterRunStatus
from support import projects, reach, team
from support.command import run, wait_until
from support.markdown import Page
from support.podman import Podman
from support.probe import Probe
from support.served import Served, baked_in
from support.shared import containers

PAGE = Page(Path("docs/howto/code-locations.md"))
NAME = "marketing"  # as on that page
(DROP,) = (each for each in PAGE.commands() if "DROP OWNED" in each)
PROJECT = """
[project]
name = "marketing"
version = "0"
dependencies = ["dagster", "pygal==3.0.5"]

[tool.dagster]
module_name = "team"
"""
CODE = """
import time
from pathlib import Path

import dagster as dg
import pygal

ANSWER = "first"


@dg.op
def answer(context: dg.OpExecutionContext) -> None:
    context.instance.add_run_tags(context.run_id, {"answer": f"{ANSWER} {pygal.__version__}"})


@dg.op
def wait() -> None:
    while not Path("/var/lib/dagster/release").exists():
        time.sleep(0.2)


@dg.job(executor_def=dg.in_process_executor)
def drawn() -> None:
    answer()


@dg.job(executor_def=dg.in_process_executor)
def patient() -> None:
    wait()


defs = dg.Definitions(jobs=[drawn, patient])
"""
# The first team's code; its answer has the version of the library that is locked for `pipes`.
FIRST = team.CODE.replace(": ANSWER}", ': f"{ANSWER} {pygal.__version__}"}').replace(
    "import time", "import time\n\nimport pygal"
)
LOCATIONS = "{ workspaceOrError { ... on Workspace { locationEntries { name } } } }"


def drawn(served: Served) -> str:
    """Return the answer of the second team's code, with the version of its library."""
    run = served.client.submit_job_execution("drawn")
    return served.team.answer("drawn", run)


def locations(served: Served) -> list[str]:
    found = served.team.dashboard.query(LOCATIONS)["workspaceOrError"]["locationEntries"]
    return [each["name"] for each in found]


@pytest.fixture(scope="module")
def served(podman: Podman, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with baked_in(podman, tmp_path_factory.mktemp("locations")) as found:
        yield found


@pytest.fixture(scope="module")
def both(served: Served, podman: Podman) -> Served:
    """The stack with a second location, which is added while a run is in flight."""
    served.save("first", FIRST)
    served.stack.dagnix("deploy")
    served.hold()
    long = served.client.submit_job_execution("long")
    served.wait_for_start(long)
    folder = served.stack.checkout / "locations" / NAME
    folder.mkdir(parents=True)
    team.write(folder, "first", CODE, PROJECT)

    def started() -> list[str]:
        names = [served.stack.container(name) for name in ("webserver", "daemon", "postgres")]
        return [podman.inspect(name)["State"]["StartedAt"] for name in names]

    before = started()
    with Probe(served.stack.url) as probe:
        served.stack.dagnix("location", "add", NAME)
        assert locations(served) == ["pipes", NAME]
    assert not probe.failures
    assert started() == before
    served.release()
    assert served.team.dashboard.end_of(long) is DagsterRunStatus.SUCCESS
    return served


@PAGE.run_by("./dagnix location add marketing")
def test_two_versions_of_a_library_run_side_by_side(both: Served) -> None:
    lock = json.loads((both.stack.checkout / "nix/locks/python.json").read_text())
    version = lock["packages"]["x86_64-linux"]["pygal"]["version"]
    assert both.answer() == f"first {version}"
    assert drawn(both) == "first 3.0.5"
    assert version != "3.0.5"


def test_neither_reads_of_the_other_or_speaks_for_it(both: Served) -> None:
    assert drawn(both) == "first 3.0.5"  # there are runs of both
    # The one that was there first has a table when the other looks for it.
    for name, other in (("pipes", NAME), (NAME, "pipes"), ("pipes", NAME)):
        found = json.loads(both.stack.exec(name, "python", "-c", reach.look(name, other)).stdout)
    assert found == reach.seen("pipes", NAME)
    found = json.loads(both.stack.exec(NAME, "python", "-c", reach.look(NAME, "pipes")).stdout)
    assert found == reach.seen(NAME, "pipes")


def test_what_both_have_is_stored_once(both: Served, podman: Podman) -> None:
    layers = [
        json.loads(podman("image", "inspect", image).stdout)[0]["RootFS"]["Layers"]
        for image in (
            podman.inspect(both.stack.container(name))["Image"] for name in ("pipes", NAME)
        )
    ]
    assert layers[0][:3] == layers[1][:3]  # base, dagster, runtime
    assert layers[0][-1] != layers[1][-1]


@PAGE.run_by(
    "nix develop -c podman-compose -f compose.yaml -f compose.location-marketing.yaml up -d"
)
def test_compose_by_hand_changes_nothing(both: Served, podman: Podman) -> None:
    names = [both.stack.container(name) for name in ("pipes", NAME, "webserver", "daemon")]
    before = [podman.inspect(name)["Id"] for name in names]
    both.stack.compose("-f", "compose.yaml", "-f", f"compose.location-{NAME}.yaml", "up", "-d")
    assert [podman.inspect(name)["Id"] for name in names] == before
    both.stack.dagnix("up")
    assert [podman.inspect(name)["Id"] for name in names] == before
    assert both.stack.status()[NAME]["healthy"]


@PAGE.run_by(
    "./dagnix deploy marketing", "./dagnix history marketing", "./dagnix rollback marketing"
)
def test_each_is_deployed_and_rolled_back_by_itself(both: Served, podman: Podman) -> None:
    first = podman.inspect(both.stack.container("pipes"))["Id"]
    inner = both.stack.processes("pipes", "code server")
    assert len(inner) == 1
    team.write(both.stack.checkout / "locations" / NAME, "changed", CODE, PROJECT)
    both.stack.dagnix("deploy", NAME)
    assert drawn(both) == "changed 3.0.5"
    both.stack.dagnix("rollback", NAME)
    assert drawn(both) == "first 3.0.5"
    assert "rollback" in both.stack.dagnix("history", NAME).stdout
    history = json.loads(both.stack.dagnix("history", NAME, "--json").stdout)
    assert [each["how"] for each in history] == ["up", "deploy", "rollback"]
    assert podman.inspect(both.stack.container("pipes"))["Id"] == first
    # The other team's code was not even loaded anew.
    assert both.stack.processes("pipes", "code server") == inner


def test_code_that_does_not_load_is_refused(both: Served) -> None:
    folder = both.stack.checkout / "locations" / NAME
    team.write(folder, "broken", CODE + "\ndef broken(:\n", PROJECT)
    refused = both.stack.dagnix("deploy", NAME, check=False)
    assert refused.returncode == 1
    assert "SyntaxError" in refused.stderr
    assert drawn(both) == "first 3.0.5"
    team.write(folder, "first", CODE, PROJECT)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("add", "third", "docs"), "is no Dagster project"),
        (("add", "third", "tests/projects/unloadable"), "No module named 'no_such_module'"),
        (
            ("add", "third", "tests/projects/no_such_python"),
            "asks for Python >=3.9,<3.11, and Debian has 3.13",
        ),
        (("remove", "third"), f"There is no code location third to remove: there is {NAME}."),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(
    both: Served, podman: Podman, words: tuple[str, ...], says: str
) -> None:
    tree = both.stack.checkout

    def state() -> list[object]:
        git = run(["git", "-C", tree, "status", "--porcelain", "--untracked-files=all"]).stdout
        volumes = podman.leftovers(both.stack.project)["volume"]
        images = {each for each in podman.images(both.stack.project) if "/third:" in each}
        names = {name for each in containers(both.stack) for name in each["Names"]}
        roles = both.stack.sql("SELECT rolname, rolconnlimit FROM pg_roles ORDER BY 1")
        passwords = sorted(path.name for path in (both.stack.secrets / "storage").iterdir())
        return [git, sorted(volumes), images, names, roles, passwords]

    # Those of the deploys before that.
    wait_until(lambda: not both.stack.draining(), "the containers that drain go")
    before = state()
    words = tuple(str(tree / word) if (tree / word).is_dir() else word for word in words)
    refused = both.stack.dagnix("location", *words, check=False)
    assert refused.returncode == 1
    assert says in refused.stderr
    assert state() == before
    assert locations(both) == ["pipes", NAME]


def test_a_location_that_is_broken_keeps_no_other_from_coming_up(
    both: Served, podman: Podman
) -> None:
    folder = both.stack.checkout / "locations" / NAME
    container = podman.inspect(both.stack.container(NAME))["Id"]
    shutil.copy(projects.FOLDER / "unbuildable/pyproject.toml", folder)
    both.save("while it was broken", FIRST)
    done = both.stack.dagnix("up", check=False)
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == both.stack.url
    assert f"All else is up, but not {NAME}:\n{NAME}: Nix cannot build" in done.stderr
    assert both.answer().startswith("while it was broken ")
    assert podman.inspect(both.stack.container(NAME))["Id"] == container
    assert drawn(both) == "first 3.0.5"
    both.save("first", FIRST)
    both.stack.dagnix("deploy")
    team.write(folder, "first", CODE, PROJECT)


@PAGE.run_by("./dagnix location remove marketing", "./dagnix location list", DROP)
def test_a_location_that_is_removed_ends_its_runs_first(both: Served, podman: Podman) -> None:
    wait_until(lambda: not both.stack.draining(), "the containers before that go")
    patient = both.client.submit_job_execution("patient")
    both.wait_for_start(patient)
    webserver = podman.inspect(both.stack.container("webserver"))["State"]["StartedAt"]
    removed = both.stack.dagnix("location", "remove", NAME)
    assert f"{both.stack.project}_{NAME}-data" in removed.stdout
    assert "the schema storage_marketing" in removed.stdout
    assert locations(both) == ["pipes"]
    assert both.client.get_run_status(patient) is DagsterRunStatus.STARTED
    (draining,) = both.stack.draining()
    release = "open('/var/lib/dagster/release', 'w')"
    # The container may be gone before podman itself has ended.
    podman("exec", draining, "python3.13", "-c", release, check=False)
    assert both.team.dashboard.end_of(patient) is DagsterRunStatus.SUCCESS
    wait_until(lambda: not both.stack.draining(), "its container goes after its last run")
    assert podman.inspect(both.stack.container("webserver"))["State"]["StartedAt"] == webserver
    listed = both.stack.dagnix("location", "list").stdout
    assert "pipes" in listed
    assert NAME not in listed
    assert both.answer().startswith("first ")
    # Its data is there until somebody drops it.
    count = "SELECT count(*) FROM pg_roles WHERE rolname ~ 'marketing'"
    assert both.stack.sql("SELECT whose FROM storage_marketing.secret") == "storage_marketing"
    run(["rm", both.stack.secrets / "storage" / NAME])
    here = {"dagnix_postgres": f"{both.stack.project}_postgres"}
    run(["sh", "-c", PAGE.typed(DROP, here)], env=both.stack.environment)
    assert both.stack.sql(count) == "0"


def test_a_location_may_have_an_older_dagster_and_no_pyproject(served: Served) -> None:
    folder = served.stack.checkout / "locations" / "older"
    shutil.copytree(projects.FOLDER / "older_dagster", folder)
    served.stack.dagnix("location", "add", "older")
    job = "from_older_dagster"
    served.team.dashboard.wait_for_job(job)
    run = served.client.submit_job_execution(job)
    assert served.team.answer(job, run) == "Dagster 1.12.4 on Python 3.11"
    assert served.stack.status()["older"]["healthy"]
    assert served.answer().startswith("first")
