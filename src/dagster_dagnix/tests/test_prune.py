"""What is deleted, and what never is."""

import datetime as dt
import json
from collections.abc import Callable

import pytest
from dagster import (
    AssetCheckEvaluation,
    AssetKey,
    AssetMaterialization,
    AssetObservation,
    DagsterInstance,
    DagsterRunStatus,
)
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill
from dagster._core.storage.tags import (
    BACKFILL_ID_TAG,
    WILL_RETRY_TAG,
)
from kept import FAILURE, IN_FLIGHT, NOW, Kept
from sqlalchemy import text

from dagster_dagnix.prune import __main__ as program
from dagster_dagnix.prune import choice, queries
from dagster_dagnix.prune.__main__ import main
from dagster_dagnix.prune.once import CannotPruneError, prune
from dagster_dagnix.prune.times import is_due, note_pruned
from dagster_dagnix.retention import KEEP_DAYS_TAG, KEEP_RUNS_TAG, Retention


def test_a_run_past_its_time_goes_with_all_that_belongs_to_it(keep: Callable[..., Kept]) -> None:
    kept = keep()
    old, young = kept.run(91), kept.run(89)
    report = kept.prune()
    assert kept.left(old, young) == [False, True]
    assert (report.runs, report.events) == (1, 1)
    assert report.database > 0
    assert report.logs > 0
    assert report.files > 0
    assert not (kept.base / old).exists()


def test_a_dry_run_deletes_nothing_and_says_the_same(
    keep: Callable[..., Kept], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choice, "BITE", 3)
    kept = keep(runs_per_job=10, step_file_days=5, compute_log_days=5)
    runs = [kept.run(days) for days in (*range(110, 90, -4), *range(20, 8, -1))]
    dry = kept.prune(is_dry=True)
    assert all(kept.left(*runs))
    done = kept.prune()
    assert dry.runs == done.runs == 7
    counts = [(each.runs, each.events, each.files, each.logs) for each in (dry, done)]
    assert counts[0] == counts[1]
    assert [kept.instance.has_run(each) for each in runs] == [False] * 7 + [True] * 10
    assert dry.lines()[0].startswith("Would go: 7 runs with 7 events")
    assert done.lines()[0].startswith("Gone: 7 runs with 7 events")
    assert kept.prune().runs == 0


def test_of_each_job_the_newest_runs_are_kept(keep: Callable[..., Kept]) -> None:
    kept = keep(runs_per_job=2)
    ours = [kept.run(5) for _ in range(4)]
    others = [kept.run(5, job="other") for _ in range(2)]
    kept.prune()
    assert kept.left(*ours, *others) == [False, False, True, True, True, True]


def test_a_location_has_no_say_in_runs_of_another_ones_job(keep: Callable[..., Kept]) -> None:
    """Though it gives one of its own the same name, and says that one run is enough."""
    kept = keep(runs_per_job=3)
    ours = [kept.run(5) for _ in range(3)]
    theirs = [kept.run(5, location="other", **{KEEP_RUNS_TAG: "1"}) for _ in range(2)]
    kept.prune()
    assert kept.left(*ours, *theirs) == [True, True, True, False, True]


def test_zero_is_without_limit(keep: Callable[..., Kept]) -> None:
    kept = keep(run_days=0, runs_per_job=0, ticks=0)
    assert kept.left(kept.run(5000)) == [True]
    assert kept.prune().runs == 0


def test_tags_of_a_job_take_the_place_of_what_holds_for_all(keep: Callable[..., Kept]) -> None:
    kept = keep(runs_per_job=3)
    short = kept.run(11, job="short", **{KEEP_DAYS_TAG: "10"})
    long = [kept.run(500, job="long", **{KEEP_DAYS_TAG: "1000"}) for _ in range(4)]
    always = kept.run(5000, job="always", **{KEEP_DAYS_TAG: "0"})
    few = [kept.run(500, job="few", **{KEEP_RUNS_TAG: "1"}) for _ in range(3)]
    wrong = kept.run(500, job="wrong", **{KEEP_DAYS_TAG: "a week"})
    tagged = kept.run(1, job="changed", **{KEEP_DAYS_TAG: "1000"})
    changed = [kept.run(1, job="changed") for _ in range(4)]
    report = kept.prune()
    assert kept.left(short, *long, always) == [False, True, True, True, True, True]
    assert kept.left(*few, wrong) == [False, False, True, True]
    assert kept.left(tagged, *changed) == [True, False, True, True, True]
    assert report.kept == {choice.UNREADABLE: 1}


@pytest.mark.parametrize("status", IN_FLIGHT)
def test_a_run_in_flight_never_goes(keep: Callable[..., Kept], status: DagsterRunStatus) -> None:
    kept = keep(runs_per_job=1, step_file_days=1, compute_log_days=1)
    run = kept.run(500, status=status)
    kept.run(0)
    kept.run(0)
    kept.prune()
    assert kept.left(run) == [True]


def test_what_a_run_in_flight_may_read_of_others_stays(keep: Callable[..., Kept]) -> None:
    kept = keep(step_file_days=1, compute_log_days=1)
    root = kept.run(500, status=FAILURE)
    second = kept.again(root, 400, FAILURE)
    third = kept.again(root, 300, DagsterRunStatus.STARTED)
    report = kept.prune()
    assert kept.left(root, second, third) == [True] * 3
    assert report.kept == {choice.IN_USE: 2}
    kept.sql("UPDATE runs SET status = 'SUCCESS'")
    kept.age(third, 300)
    kept.prune()
    assert kept.left(root, second, third) == [False] * 3


def test_a_run_that_is_to_be_retried_stays(keep: Callable[..., Kept]) -> None:
    kept = keep(runs_per_job=1)
    tags = {WILL_RETRY_TAG: "true", "dagster/max_retries": "1"}
    waits = kept.run(0.5, status=FAILURE, **tags)
    forgotten = kept.run(2, status=FAILURE, **tags)
    kept.run(0)
    report = kept.prune()
    assert kept.left(waits, forgotten) == [True, False]
    assert report.kept == {choice.RETRIED: 1}


def test_runs_of_a_backfill_stay_until_it_has_ended(keep: Callable[..., Kept]) -> None:
    kept = keep()
    for status in BulkActionStatus:
        backfill = PartitionBackfill(
            backfill_id=status.value.lower(),
            status=status,
            from_failure=False,
            tags={},
            backfill_timestamp=NOW.timestamp(),
        )
        kept.instance.add_backfill(backfill)
    runs = {
        status: kept.run(500, **{BACKFILL_ID_TAG: status.value.lower()})
        for status in BulkActionStatus
    }
    kept.prune()
    left = {status for status, run in runs.items() if kept.left(run) == [True]}
    assert left == {
        BulkActionStatus.REQUESTED,
        BulkActionStatus.CANCELING,
        BulkActionStatus.FAILING,
    }


def check(name: str) -> AssetCheckEvaluation:
    return AssetCheckEvaluation(asset_key=AssetKey("a"), check_name=name, passed=True, metadata={})


@pytest.mark.parametrize(
    "made",
    [
        lambda _: AssetMaterialization("a"),
        lambda _: AssetMaterialization("a", partition="one"),
        lambda _: AssetObservation("a"),
        lambda _: check("good"),
    ],
    ids=["materialization", "partition", "observation", "check"],
)
def test_the_last_of_an_asset_stays(
    keep: Callable[..., Kept], made: Callable[[None], object]
) -> None:
    kept = keep()
    first, last = kept.run(500, made(None)), kept.run(400, made(None))
    report = kept.prune()
    assert kept.left(first, last) == [False, True]
    assert report.kept == {choice.LATEST: 1}
    newer = kept.run(0, made(None))
    kept.prune()
    assert kept.left(last, newer) == [False, True]


def test_the_last_of_each_partition_stays(keep: Callable[..., Kept]) -> None:
    kept = keep(run_days=90)
    runs = [kept.run(500, AssetMaterialization("a", partition=each)) for each in "abcab"]
    whole = kept.run(400, AssetMaterialization("a"))
    other = kept.run(400, AssetMaterialization("b"), AssetObservation("a"))
    kept.prune()
    assert kept.left(*runs, whole, other) == [False, False, True, True, True, True, True]
    asset = kept.instance.get_latest_materialization_event(AssetKey("a"))
    assert asset
    assert asset.run_id == whole


def test_it_is_due_once_in_so_many_hours(keep: Callable[..., Kept]) -> None:
    kept = keep()
    assert is_due(kept.instance, 24)
    kept.prune(is_dry=True)
    assert is_due(kept.instance, 24)
    kept.prune()
    assert not is_due(kept.instance, 24)
    note_pruned(kept.instance, NOW - dt.timedelta(hours=25))
    assert is_due(kept.instance, 24)
    assert not is_due(kept.instance, 0)


def test_what_was_interrupted_is_done_the_next_time(
    keep: Callable[..., Kept], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = keep()
    run = kept.run(500)
    cut = monkeypatch.context()
    with cut as patch:

        def fail(_storage: object, _run: str) -> None:
            raise RuntimeError("interrupted")

        patch.setattr("dagster_dagnix.storage.DagnixRunStorage.delete_row", fail)
        with pytest.raises(RuntimeError):
            kept.prune()
    assert kept.instance.has_run(run)
    kept.prune()
    assert kept.left(run) == [False]


def test_two_do_not_prune_at_once(keep: Callable[..., Kept]) -> None:
    kept = keep()
    with queries.connection(kept.instance) as other:
        given = {"lock": queries.LOCK}
        other.execute(text("SELECT pg_advisory_lock(:lock)"), given)
        with pytest.raises(CannotPruneError, match="being pruned"):
            kept.prune()
        other.execute(text("SELECT pg_advisory_unlock(:lock)"), given)
    kept.prune()


def test_other_storages_are_refused_in_a_sentence() -> None:
    with (
        DagsterInstance.ephemeral() as instance,
        pytest.raises(CannotPruneError, match="only those of"),
    ):
        prune(instance)


def test_it_is_vacuumed_and_shrinks_when_asked_for(keep: Callable[..., Kept]) -> None:
    kept = keep()
    kept.sql(
        "INSERT INTO event_logs (run_id, event) SELECT :run, repeat('x', 900) "
        "FROM generate_series(1, 1000)",
        run=kept.run(500),
    )
    kept.prune()
    with queries.connection(kept.instance) as database:
        vacuumed = "SELECT count(*) FROM pg_stat_user_tables WHERE vacuum_count > 0"
        database.execute(text("SELECT pg_stat_clear_snapshot()"))
        assert database.execute(text(vacuumed)).scalar() == len(queries.TABLES)
    report = kept.prune(shrinks=True)
    assert report.returned > 0
    assert "back to the disk" in "\n".join(report.lines())


def test_the_program_says_what_it_did(
    keep: Callable[..., Kept], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = keep()
    run = kept.run(500)
    monkeypatch.setenv("DAGSTER_HOME", str(kept.world.home))
    monkeypatch.setattr(program, "give_way", lambda: None)  # others share this process
    assert main(["--dry-run"]) == 0
    assert capsys.readouterr().out.startswith("Would go: 1 run with 1 event")
    assert main(["--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["runs"], said["events"], said["is_dry"]) == (1, 1, False)
    assert kept.left(run) == [False]
    assert main(["--quiet"]) == 0
    assert not capsys.readouterr().out
    with queries.connection(kept.instance) as other:
        other.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": queries.LOCK})
        assert main([]) == 1
        other.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": queries.LOCK})
    assert "being pruned" in capsys.readouterr().err


def test_a_number_below_zero_is_refused() -> None:
    with pytest.raises(ValueError, match=r"run_days in dagster.yaml is -1"):
        Retention.of({"run_days": -1})
