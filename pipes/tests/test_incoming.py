"""The incoming folder: nothing is lost, and nothing is taken twice."""

import os
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from pipes.incoming import MAX_BYTES, SAMPLES, BadFileError, Incoming, day_of

DAY = date(2012, 1, 2)
NOBODY = 65534
Drop = Callable[..., Path]


def test_sample_stands_in(incoming: Incoming) -> None:
    assert incoming.find(DAY).path == SAMPLES / "weather-2012-01-02.csv"
    assert incoming.find(date(2015, 1, 2)) is None


def test_waiting_then_accepted_then_sample(incoming: Incoming, drop: Drop) -> None:
    path = drop("2012-01-02")
    delivery = incoming.find(DAY)
    assert delivery.path == path
    assert incoming.find_accepted(DAY).path.parent == SAMPLES

    incoming.accept(delivery, delivery.read())

    assert not path.exists()
    assert incoming.find(DAY).path == path.parent / "accepted" / path.name
    assert incoming.find_accepted(DAY) == incoming.find(DAY)


def test_accepting_again_changes_nothing(incoming: Incoming, drop: Drop) -> None:
    drop("2012-01-02")
    for _ in range(2):
        delivery = incoming.find(DAY)
        incoming.accept(delivery, delivery.read())
    assert incoming.find(DAY) == delivery


def test_replaced_while_it_was_checked(incoming: Incoming, drop: Drop) -> None:
    drop("2012-01-02", weather="rain")
    delivery = incoming.find(DAY)
    content = delivery.read()
    newer = drop("2012-01-02", weather="sunshine")

    incoming.accept(delivery, content)

    assert b"sunshine" in newer.read_bytes()
    assert incoming.find_accepted(DAY).read() == content


def test_rejecting_leaves_a_newer_file(incoming: Incoming, drop: Drop) -> None:
    drop("2012-01-02", weather="bad")
    delivery = incoming.find(DAY)
    newer = drop("2012-01-02", weather="better")
    incoming.reject(delivery, "bad")
    assert newer.exists()


def test_rejected_files_of_one_name_are_all_kept(incoming: Incoming, drop: Drop) -> None:
    moved = []
    for weather in ("one", "two", "three"):
        drop("2012-01-02", weather=weather)
        moved.append(incoming.reject(incoming.find(DAY), f"{weather} is bad"))
    assert [path.name for path in moved] == [
        "weather-2012-01-02.csv",
        "weather-2012-01-02.2.csv",
        "weather-2012-01-02.3.csv",
    ]
    for path, weather in zip(moved, ("one", "two", "three"), strict=True):
        assert weather in path.read_text()
        assert Path(f"{path}.reason.txt").read_text() == f"{weather} is bad\n"


def test_sample_is_never_moved(incoming: Incoming) -> None:
    sample = incoming.find(DAY)
    incoming.accept(sample, sample.read())
    assert incoming.reject(sample, "bad") == sample.path
    assert sample.is_still_there()


def test_file_put_back_counts_as_new(incoming: Incoming, drop: Drop) -> None:
    path = drop("2012-01-02")
    before = incoming.find(DAY)
    moved = incoming.reject(before, "bad")
    modified = moved.stat().st_mtime_ns
    time.sleep(0.02)  # the clock of the file system ticks a few hundred times a second
    moved.rename(path)
    assert path.stat().st_mtime_ns == modified
    assert incoming.find(DAY).signature != before.signature


def test_unfinished_names_and_folders_do_not_wait(incoming: Incoming, drop: Drop) -> None:
    path = drop("2012-01-02")
    for name in (".weather-2012-01-03.csv.x9", "weather-2012-01-03.csv.part", "w.csv~", "w.tmp"):
        (path.parent / name).touch()
    (path.parent / "folder").mkdir()
    assert [delivery.path for delivery in incoming.waiting()] == [path]


def test_folder_is_made(incoming: Incoming) -> None:
    assert list(incoming.waiting()) == []
    assert Path(incoming.folder).is_dir()


def test_too_long(incoming: Incoming, drop: Drop) -> None:
    drop("2012-01-02").write_bytes(b"x" * (MAX_BYTES + 1))
    with pytest.raises(BadFileError, match="longer than 65536 bytes"):
        incoming.find(DAY).read()


def test_not_readable(incoming: Incoming, drop: Drop) -> None:
    drop("2012-01-02").chmod(0)
    delivery = incoming.find(DAY)
    me = os.geteuid()
    # Root may read everything.
    os.seteuid(me or NOBODY)
    try:
        with pytest.raises(BadFileError, match=f"uid {me or NOBODY} may not read it"):
            delivery.read()
    finally:
        os.seteuid(me)


@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("weather-2012-01-02.csv", DAY),
        ("weather-2012-02-30.csv", None),
        ("weather-20120102.csv", None),
        ("weather-2012-01-02.csv.gz", None),
        ("report.xlsx", None),
    ],
)
def test_day_of_a_name(name: str, day: date | None) -> None:
    assert day_of(name) == day


def test_folder_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIPES_INCOMING_DIR", "/srv/in")
    assert Incoming.from_environment().folder == "/srv/in"
    monkeypatch.delenv("PIPES_INCOMING_DIR")
    monkeypatch.delenv("DAGSTER_HOME")
    monkeypatch.setenv("XDG_STATE_HOME", "/srv/state")
    assert Incoming.from_environment().folder == "/srv/state/pipes/incoming"
