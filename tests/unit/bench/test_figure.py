import pytest

from bench.figure import Figure, goal, table


def test_a_figure_is_the_median_with_its_spread() -> None:
    figure = Figure.of("start", "s", [3, 1, 2], [4, 8, 6], goal=1.5, how="so")
    assert figure.as_json == {
        "name": "start",
        "unit": "s",
        "value": 2,
        "min": 1,
        "max": 3,
        "n": 3,
        "how": "so",
        "goal": 1.5,
        "other": {"value": 6, "min": 4, "max": 8, "n": 3},
    }
    name, ours, theirs, ratio, goal, share, how = figure.row
    assert (name, how) == ("start", "so")
    assert ours == "[red]2.00 s (1.00 to 3.00)[/]"
    assert theirs == "6.00 s (4.00 to 8.00)"
    assert (ratio, goal, share) == ("0.33", "1.5 s", "133%")


def test_a_goal_that_is_kept_is_green() -> None:
    assert Figure.of("start", "s", [1], goal=1).row[1] == "[green]1.00 s[/]"


def test_a_side_that_was_not_measured_is_no_number() -> None:
    figure = Figure.of("start", "s", [], [4], goal=1, how="not measured: it failed")
    assert figure.as_json["value"] is None
    assert figure.ratio is None
    assert figure.row[1] == "not taken"
    alone = Figure.of("start", "s", [1])
    assert alone.as_json["other"] is None
    assert alone.row[2:6] == ("", "", "", "")


@pytest.mark.parametrize("theirs", [[], [0]])
def test_there_is_no_ratio_to_nothing(theirs: list[float]) -> None:
    assert Figure.of("start", "s", [1], theirs).ratio is None


def test_the_table_has_a_line_for_each() -> None:
    figures = [Figure.of("one", "s", [1]), Figure.of("two", "s", [], how="not taken")]
    assert table(figures).row_count == 2


@pytest.mark.parametrize(
    ("most", "theirs", "share", "expected"),
    [
        (4, [10, 12, 14], 0.5, 4),
        (4, [6], 0.5, 3),
        (None, [6], 1, 6),
        (4, [], 1, 4),
        (None, [], 1, None),
    ],
)
def test_the_stricter_goal_counts(
    most: float | None, theirs: list[float], share: float, expected: float | None
) -> None:
    assert goal(most, theirs, share) == expected
