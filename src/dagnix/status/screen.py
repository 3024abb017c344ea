"""A report for a person, on one screen."""

import datetime as dt
from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from dagnix.doctor.disk import GIB
from dagnix.stack.containers import moment, shown
from dagnix.status.report import Report
from dagnix.status.runs import Run
from dagnix.status.services import Row
from dagnix.terminal import harmless

DIGEST_CHARACTERS = 19  # "sha256:" and twelve of its digits
REVISION_CHARACTERS = 12
RUN_CHARACTERS = 8  # as in the dashboard


def of(report: Report) -> Group:
    """Return what is printed."""
    return Group(_services(report.services), *_faults(report.services), Text(), *_rest(report))


def _services(rows: tuple[Row, ...]) -> Table:
    table = Table(box=None, pad_edge=False)
    for title in ("SERVICE", "HEALTH", "SERVES", "UPTIME", "RESTARTS", "IMAGE", "DIGEST"):
        table.add_column(title, no_wrap=True)
    for row in rows:
        well = "[green]healthy[/]" if row.healthy else "[red]unhealthy[/]"
        uptime = lasted(row.uptime) if row.uptime else row.state
        serves = {None: "", True: "yes", False: "no"}[row.serves]
        digest = row.digest[:DIGEST_CHARACTERS]
        table.add_row(row.service, well, serves, uptime, str(row.restarts), row.image, digest)
    return table


def _faults(rows: tuple[Row, ...]) -> Iterator[RenderableType]:
    for row in rows:
        colour, says = ("yellow", row.warning) if row.healthy else ("red", row.says)
        if says:
            yield Text.from_markup(f"\n[{colour}]{row.service}[/]: {escape(harmless(says))}")


def _rest(report: Report) -> Iterator[Text]:
    found = list(_lines(report))
    width = max(len(title) for title, _ in found)
    for title, line in found:
        yield Text(f"{title:<{width}}  {harmless(line)}")


def _lines(report: Report) -> Iterator[tuple[str, str]]:
    at = moment(report.at)
    yield "dashboard", report.url
    if report.certificate_ends:
        yield "certificate", f"ends {shown(moment(report.certificate_ends))}"
    for each in report.locations:
        code = (
            each.folder
            or f"{each.digest[:DIGEST_CHARACTERS]} ({each.how}{_revision(each.revision)})"
        )
        verb = "served" if each.served else "not served"
        yield each.location, f"{code}, {verb}, since {shown(moment(each.since))}"
    if report.runs is None:
        yield "runs", "the webserver does not answer"
    else:
        yield "runs", f"{report.runs.queued} in the queue, {report.runs.in_flight} in flight"
        for run in report.runs.newest:
            since = f"for {_ago(run.since, at)}" if run.since else "is starting"
            yield "", f"{_run(run)} {since}"
        if failed := report.runs.last_failure:
            yield "last failure", f"{_run(failed)} {_ago(failed.since, at)} ago"
    for disk in report.disks:
        free = f"{disk.free / GIB:.1f} of {disk.size / GIB:.1f} GiB free"
        yield "disk", f"{free}: {', '.join(disk.holds)}"
    made = report.backup
    yield "last backup", f"{_ago(made.made, at)} ago: {made.file}" if made else "none"
    yield "security", _security(report, at)


def _security(report: Report, at: dt.datetime) -> str:
    found = report.security_updates
    if found is None:
        return "./dagnix updates looks for updates"
    names = sorted({each.package for each in found.updates})
    wait = f"{len(names)} to lock: {', '.join(names)}" if names else "no update to lock"
    return f"{wait} (looked {_ago(found.at, at)} ago)"


def _revision(revision: str) -> str:
    return f" of {revision[:REVISION_CHARACTERS]}" if revision else ""


def _run(run: Run) -> str:
    return f"{run.run[:RUN_CHARACTERS]} {run.job} ({run.location})"


def _ago(when: str, now: dt.datetime) -> str:
    return lasted((now - moment(when)).total_seconds()) if when else "?"


def lasted(seconds: float) -> str:
    """Write a time span: 1 day, 2:03:04."""
    return str(dt.timedelta(seconds=max(0, int(seconds))))
