"""The asset `daily_weather`: each day's file, checked."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from datetime import date

import dagster as dg

from pipes.incoming import Incoming, file_name
from pipes.inspection import Inspection
from pipes.partitions import DAYS
from pipes.rules import RULES

NAME = "daily_weather"
READABLE = dg.AssetCheckSpec(
    "readable", asset=NAME, description="CSV with the right columns.", blocking=True
)


@dg.asset(
    name=NAME,
    partitions_def=DAYS,
    group_name="weather",
    kinds={"csv"},
    check_specs=[
        READABLE,
        *(
            dg.AssetCheckSpec(
                rule.name, asset=NAME, description=rule.description, blocking=rule.is_error
            )
            for rule in RULES
        ),
    ],
    # A backfill of a year is one run, not 366.
    backfill_policy=dg.BackfillPolicy.single_run(),
    retry_policy=dg.RetryPolicy(max_retries=2, delay=2),
)
def daily_weather(
    context: dg.AssetExecutionContext, incoming: Incoming
) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult]:
    """Check the day's file, and file it under `accepted` in the incoming folder.

    A bad file is moved aside to `rejected`, the reason beside it, and the run fails.
    """
    inspections = [_inspect(incoming, date.fromisoformat(key)) for key in context.partition_keys]
    yield from _check_results(inspections)
    if bad := [each for each in inspections if each.error]:
        moved = {
            each.delivery.path.name: incoming.reject(each.delivery, each.error) for each in bad
        }
        raise dg.Failure(
            f"Bad files, moved aside: {' | '.join(each.error for each in bad)}",
            metadata={name: dg.MetadataValue.path(path) for name, path in moved.items()},
            # The file stays as bad as it is, and a second try would find an older one.
            allow_retries=False,
        )
    for each in inspections:
        incoming.accept(each.delivery, each.content)
        (row,) = each.rows
        context.add_asset_metadata(
            {name: value for name, value in dataclasses.asdict(row).items() if name != "date"},
            partition_key=str(each.day),
        )
    yield dg.MaterializeResult()


def _inspect(incoming: Incoming, day: date) -> Inspection:
    delivery = incoming.find(day)
    if delivery is None:
        raise dg.Failure(
            f"There is no {file_name(day)}: put one into {incoming.folder}.", allow_retries=False
        )
    return Inspection.of(day, delivery)


def _check_results(inspections: Sequence[Inspection]) -> Iterator[dg.AssetCheckResult]:
    yield _check_result(
        READABLE.name,
        {each.delivery.path.name: each.unreadable for each in inspections if each.unreadable},
    )
    readable = [each for each in inspections if not each.unreadable]
    for rule in RULES if readable else ():
        problems = {
            each.delivery.path.name: each.broken[rule] for each in readable if rule in each.broken
        }
        yield _check_result(rule.name, problems, rule.severity)


def _check_result(
    name: str,
    problems: Mapping[str, str],
    severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.ERROR,
) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=name,
        passed=not problems,
        severity=severity,
        description="; ".join(f"{file}: {problem}" for file, problem in problems.items()) or None,
    )
