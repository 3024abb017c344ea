"""A plugin of pytest that tells at the end of a run where its time went."""

import time
from collections import Counter
from collections.abc import Generator, Iterable

import pytest

SLOWEST = 20
SHORTEST_SECONDS = 0.05
# Under this name the report of a test carries its fixtures' times, also from a worker of xdist.
_PROPERTY = "fixtures"
_fixtures: pytest.StashKey[list[tuple[str, float]]] = pytest.StashKey()


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[object], request: pytest.FixtureRequest
) -> Generator[None, object, object]:
    """Measure a fixture, without the fixtures that it asks for."""
    began = time.monotonic()
    try:
        return (yield)
    finally:
        took = (f"{fixturedef.argname} ({fixturedef.scope})", time.monotonic() - began)
        request.config.stash.setdefault(_fixtures, []).append(took)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Put the times of the fixtures that a test set up into its report."""
    report = yield
    if took := item.config.stash.get(_fixtures, []):
        report.user_properties.append((_PROPERTY, took.copy()))
        took.clear()
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the slowest tests and fixtures, and the sum of each file, in seconds."""
    reports = [
        report
        for reports in terminalreporter.stats.values()
        for report in reports
        if isinstance(report, pytest.TestReport)
    ]
    if not reports:
        return  # it only collected
    for title, seconds in (("slowest", slowest(reports)), ("seconds of each file", files(reports))):
        terminalreporter.section(title)
        for what, took in seconds:
            if took >= SHORTEST_SECONDS:
                terminalreporter.line(f"{took:8.1f} s  {what}")


def slowest(reports: Iterable[pytest.TestReport]) -> list[tuple[str, float]]:
    """Return the tests and fixtures that took longest, each with its seconds, longest first.

    The time of a fixture counts for itself, not for the test that set it up.
    """
    seconds: Counter[str] = Counter()
    for report in reports:
        fixtures = [
            each for name, took in report.user_properties if name == _PROPERTY for each in took
        ]
        file, test = _file_and_test(report)
        if report.when == "call":
            seconds[f"{file}: {test}"] += report.duration
        elif report.when == "teardown":
            seconds[f"{file}: after {test}"] += report.duration
        for name, took in fixtures:
            seconds[f"{file}: fixture {name}"] += took
    return seconds.most_common(SLOWEST)


def files(reports: Iterable[pytest.TestReport]) -> list[tuple[str, float]]:
    """Return each file with the seconds of its tests and their fixtures, longest first."""
    seconds: Counter[str] = Counter()
    for report in reports:
        seconds[_file_and_test(report)[0]] += report.duration
    return seconds.most_common()


def _file_and_test(report: pytest.TestReport) -> tuple[str, str]:
    file, _, test = report.nodeid.partition("::")
    return file, test.partition("@")[0]  # xdist names the group behind that
