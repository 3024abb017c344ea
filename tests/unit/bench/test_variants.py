"""What both variants are measured by."""

import configparser
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from support.stack import ROOT

from bench import lists, measure, side_by_side, used
from bench.figure import Figure
from bench.measurements import Measurements
from bench.variants import pip
from bench.variants.containerfiles import ordinary
from dagnix import UserError
from dagnix.commands import bench
from dagnix.locks.systems import host_system

SYSTEM = host_system().name
LOCK = {
    "packages": {
        SYSTEM: {
            name: {"version": f"{number}.0", "size": size}
            for number, (name, size) in enumerate(
                {"dagster": 9, "gunicorn": 5, "pygal": 4, "pytest": 7, "pluggy": 2}.items()
            )
        }
    },
    "groups": {
        SYSTEM: {
            "webserver": ["dagster", "gunicorn"],
            "daemon": ["dagster"],
            "pipes": ["dagster", "pygal"],
            "dev": ["dagster", "pytest", "pygal", "pluggy"],
        }
    },
}


def test_the_requirements_that_all_share_stand_once() -> None:
    assert lists.requirements(LOCK) == {
        "common": ["dagster==0.0"],
        "webserver": ["gunicorn==1.0"],
        "daemon": [],
        "pipes": ["pygal==2.0"],
    }


def test_small_packages_are_added_first() -> None:
    assert lists.spare(LOCK) == ["pluggy", "pytest"]


def test_the_environment_overrides_pips_files() -> None:
    said = ":env:.timeout='60'\nglobal.timeout='5'\nglobal.index-url='x'\ninstall.user='no'\n"
    assert pip.settings(said) == {
        "global": {"timeout": "60", "index-url": "x"},
        "install": {"user": "no"},
    }


def test_pips_files_come_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheels, certificate = tmp_path / "wheels", tmp_path / "own.pem"
    wheels.mkdir()
    certificate.write_text("a certificate\n")
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_CERT", str(certificate))
    monkeypatch.setenv("PIP_FIND_LINKS", f"{wheels} https://wheels.example/ {tmp_path}/gone")
    folder = tmp_path / "settings"
    folder.mkdir()
    volumes = pip.write(folder)

    file = configparser.RawConfigParser()
    file.read(folder / "pip.conf")
    options = dict(file["global"])
    assert (folder / "cert").read_text() == "a certificate\n"
    assert options["cert"] == "/run/pip/cert"
    assert options["cache-dir"] == "/run/pip/cache"
    assert sorted(options["find-links"].split()) == ["/run/pip/links-0", "https://wheels.example/"]
    assert volumes == [f"{folder}:/run/pip", f"{wheels}:/run/pip/links-0:ro"]


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("1m36.5s", 96.5), ("2h0m1s", 7201), ("250ms", 0.25), ("12.5µs", 12.5e-6), ("0s", 0)],
)
def test_a_duration_of_podmans_is_read(said: str, seconds: float) -> None:
    assert used.seconds(said) == pytest.approx(seconds)


def test_a_process_is_found_with_its_descendants() -> None:
    assert os.getpid() in used.tree(os.getppid())
    assert used.tree(os.getpid())[0] == os.getpid()


class FailingWay:
    name = "Failing"

    def __init__(self) -> None:
        self.stopped = 0

    def stop(self) -> None:
        self.stopped += 1


def test_a_group_that_fails_says_why_and_the_next_goes_on(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    variant = FailingWay()
    monkeypatch.setattr(side_by_side.variants, "each", lambda *_: iter([variant, variant]))
    monkeypatch.setattr(side_by_side.lists, "lock", lambda _: LOCK)
    asked = []

    def fail(_: Any, runs: int, measured: Measurements) -> None:
        measured.add("early", 1)
        raise UserError(f"No variant, {runs} times.\nMore words.")

    def succeed(_: Any, runs: int, measured: Measurements) -> None:
        asked.append(runs)
        measured.add("late", 1)

    def figures(ours: Measurements, theirs: Measurements) -> list[Figure]:
        names = ("early", "late")
        return [Figure.of(n, "s", ours.of(n), theirs.of(n), how="so") for n in names]

    found = side_by_side.measure(
        SimpleNamespace(root=checkout),
        {
            "a": side_by_side.Group(fail, figures),
            "b": side_by_side.Group(succeed, figures),
        },
        2,
    )
    (early, late), (_, unharmed) = found["a"], found["b"]
    assert early.ours
    assert early.how == "so"
    assert late.ours is None
    assert late.how == (
        "so; not measured: No variant, 2 times.; Containerfiles not measured: No variant, 2 times."
    )
    assert unharmed.ours
    assert unharmed.how == "so"
    assert asked == [2, 2]
    assert variant.stopped == 2


def test_the_ordinary_way_has_none_of_dagnixs_classes() -> None:
    text = (ROOT / "config" / "dagster.yaml").read_text()
    ours, theirs = yaml.safe_load(text), ordinary(yaml.safe_load(text))
    assert "dagster_dagnix" not in str(theirs)
    assert (
        theirs["storage"]["postgres"]["postgres_db"]
        == (ours["storage"]["custom"]["config"]["postgres_db"])
    )
    logs = theirs["compute_logs"]
    assert logs["class"] == "LocalComputeLogManager"
    assert logs["config"] == {"base_dir": "/var/lib/dagster/compute_logs"}
    same = ours.keys() - {"storage", "run_launcher", "compute_logs"}
    assert {key: theirs[key] for key in same} == {key: ours[key] for key in same}


def test_the_command_line_knows_every_group() -> None:
    assert tuple(measure.GROUPS) == bench.GROUPS
