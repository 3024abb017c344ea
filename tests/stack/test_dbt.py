"""The dbt project of tests/projects as a code location: on DuckDB, then on the Postgres here."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from dagster import DagsterRunStatus
from support import projects
from support.markdown import Page
from support.served import Served

PAGE = Page(Path("docs/howto/dbt.md"))
NAME = "shop"  # as on that page
JOB = "shop_build"
MODEL = Path("dbt/models/customers.sql")
READ = """
import json
import duckdb
with duckdb.connect("/var/lib/dagster/shop.duckdb", read_only=True) as database:
    print(json.dumps(database.sql("select * from customers order by customer").fetchall()))
"""
CHECKS = """
query Checks($run: ID!) {
  runOrError(runId: $run) { ... on Run { eventConnection { events {
    ... on AssetCheckEvaluationEvent { evaluation { checkName success } }
  } } } }
}
"""
BUILT = [["ADA", 15], ["GRACE", 20]]


def build(served: Served) -> dict[str, bool]:
    """Run the job to SUCCESS; return its asset checks and whether they passed."""
    dashboard = served.team.dashboard
    run, status = dashboard.run(JOB)
    assert status is DagsterRunStatus.SUCCESS
    events = dashboard.query(CHECKS, run=run)["runOrError"]["eventConnection"]["events"]
    found = [event["evaluation"] for event in events if event]
    return {each["checkName"]: each["success"] for each in found}


def in_duckdb(served: Served) -> list[list[object]]:
    return json.loads(served.stack.exec(NAME, "/opt/dagster/venv/bin/python", "-c", READ).stdout)


@pytest.fixture
def shop(baked: Served) -> Iterator[Served]:
    """The stack with the dbt project as a code location, whose settings a test may change."""
    settings = baked.stack.checkout / "config/settings/default.toml"
    before = settings.read_text()
    shutil.copytree(projects.FOLDER / "dbt", baked.stack.checkout / "locations" / NAME)
    set_up(settings, "duckdb")
    baked.stack.dagnix("location", "add", NAME)
    baked.team.dashboard.wait_for_job(JOB)
    yield baked
    baked.stack.dagnix("location", "remove", NAME)
    settings.write_text(before)
    shutil.rmtree(baked.stack.checkout / "locations")


def set_up(settings: Path, target: str) -> None:
    """Write the settings of the page, for one of the profile's targets."""
    (block,) = (block.text for block in PAGE.blocks if "DBT_TARGET =" in block.text)
    settings.write_text(block.replace('"duckdb"', f'"{target}"'))


@PAGE.run_by("./dagnix location add shop", "./dagnix deploy shop")
def test_dbt_is_baked_deployed_and_run_with_its_tests_as_checks(shop: Served) -> None:
    passed = {"unique_customers_customer": True, "not_null_customers_customer": True}
    assert build(shop) == passed
    assert in_duckdb(shop) == BUILT

    model = shop.stack.checkout / "locations" / NAME / MODEL
    text = model.read_text()
    model.write_text(text.replace("raw_orders", "no_such_model"))
    refused = shop.stack.dagnix("deploy", NAME, check=False)
    assert refused.returncode == 1
    assert "depends on a node named 'no_such_model'" in refused.stderr

    # An edit of a model, and the other target.
    model.write_text(text.replace("sum(amount)", "2 * sum(amount)"))
    set_up(shop.stack.checkout / "config/settings/default.toml", "postgres")
    shop.stack.dagnix("deploy", NAME)
    assert build(shop) == passed
    rows = shop.stack.sql("select * from storage_shop.customers order by customer")
    assert [line.split("|") for line in rows.splitlines()] == [["ADA", "30"], ["GRACE", "40"]]
    shop.stack.sql("drop table storage_shop.raw_orders cascade")
    assert in_duckdb(shop) == BUILT, "the file outlives the deploy"
