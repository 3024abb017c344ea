"""The schedule sums up those months again that have got new days."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from pipes.definitions import defs
from pipes.defs.refresh_summaries import refresh_summaries


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """Give an instance with files: a schedule opens it once more by its reference."""
    with dg.instance_for_test(temp_dir=str(tmp_path / "home")) as instance:
        yield instance


def materialized(instance: dg.DagsterInstance, asset: str, partition: str) -> None:
    instance.report_runless_asset_event(dg.AssetMaterialization(asset, partition=partition))


def tick(instance: dg.DagsterInstance) -> list[str]:
    """Return the months that runs are requested for."""
    context = dg.build_schedule_context(
        instance=instance, repository_def=defs().get_repository_def()
    )
    evaluated = refresh_summaries.evaluate_tick(context)
    assert bool(evaluated.run_requests) != bool(evaluated.skip_message)
    return [request.partition_key for request in evaluated.run_requests]


def test_nothing_is_stored(instance: dg.DagsterInstance) -> None:
    assert tick(instance) == []


def test_months_with_new_days(instance: dg.DagsterInstance) -> None:
    for day in ("2012-02-29", "2012-01-01", "2012-01-31"):
        materialized(instance, "stored_weather", day)
    assert tick(instance) == ["2012-01-01", "2012-02-01"]


def test_month_that_is_summed_up_already(instance: dg.DagsterInstance) -> None:
    materialized(instance, "stored_weather", "2012-01-31")
    materialized(instance, "stored_weather", "2012-02-01")
    materialized(instance, "monthly_summary", "2012-01-01")
    assert tick(instance) == ["2012-02-01"]
    materialized(instance, "monthly_summary", "2012-02-01")
    assert tick(instance) == []


def test_month_with_a_corrected_day(instance: dg.DagsterInstance) -> None:
    materialized(instance, "stored_weather", "2012-01-31")
    materialized(instance, "monthly_summary", "2012-01-01")
    materialized(instance, "stored_weather", "2012-01-31")
    assert tick(instance) == ["2012-01-01"]
