"""A code location's pyproject.toml → its own lock."""

import json
import sys
from pathlib import Path

import pytest
from support.fakes import Archive, Key
from support.world import HOST, World

from dagnix import code_locations

PROJECT = """
[project]
name = "marketing"
version = "1"
dependencies = ["{dependency}"]
"""


@pytest.fixture
def marketing(world: World) -> World:
    """A world with a location whose lock names nothing but its folder."""
    world.index.add("helper", "1.1")
    lock = code_locations.lock(world.root, "marketing")
    lock.parent.mkdir()
    lock.write_text('{"folder": "teams/marketing"}')
    (world.root / "teams" / "marketing").mkdir(parents=True)
    return world


def lock(world: World, dependency: str, more: str = "", *options: str) -> dict[str, str]:
    """Lock the location with a dependency; return its packages and their versions."""
    project = world.root / "teams" / "marketing" / "pyproject.toml"
    project.write_text(PROJECT.format(dependency=dependency) + more)
    world.ok("lock", "python", f"--python={sys.executable}", *options)
    written = json.loads(code_locations.lock(world.root, "marketing").read_text())
    assert written["folder"] == "teams/marketing"
    packages = written["packages"][HOST]
    assert written["groups"][HOST]["marketing"] == sorted(packages)
    return {name: entry["version"] for name, entry in packages.items()}


def test_it_begins_with_the_versions_of_the_other_images(marketing: World) -> None:
    found = lock(marketing, "helper")
    assert found == {"dagster": "1.0", "dagster-postgres": "1.0", "helper": "1.0"}


def test_it_may_have_another_version_which_is_fetched_too(marketing: World) -> None:
    assert lock(marketing, "helper>=1.1")["helper"] == "1.1"
    assert marketing.lock_of("python")["packages"][HOST]["helper"]["version"] == "1.0"
    marketing.ok("fetch")
    for version in ("1.0", "1.1"):
        assert marketing.in_store(f"-helper-{version}-py3-none-any.whl")


def test_their_versions_give_way_also_when_pip_does_not_name_them(marketing: World) -> None:
    # pip goes back from 2.0, which needs what the version of the other images rules out, and ends
    # with a complaint about the old ones alone, for which there is no wheel.
    marketing.index.add("app", "2.0", ("part", "engine>=2"))
    marketing.index.add("part", "1.0", ("helper>=1.1",))
    for old in ("1.1", "1.0"):
        marketing.index.add("app", old, (f"engine=={old}",))
        marketing.index.add_source("engine", old)
    marketing.index.add("engine", "2.0")
    found = lock(marketing, "app")
    assert (found["app"], found["helper"]) == ("2.0", "1.1")


def test_the_constraints_of_the_other_images_are_not_its_own(marketing: World) -> None:
    marketing.index.add("tool", "9.0")
    assert lock(marketing, "tool>=9")["tool"] == "9.0"
    assert marketing.lock_of("python")["packages"][HOST]["tool"]["version"] == "1.0"


def test_it_has_constraints_of_its_own_and_those_of_every_location(marketing: World) -> None:
    for version in ("2.0", "3.0"):
        marketing.index.add("helper", version)
        marketing.index.add("tool", version)
    own = '[tool.dagnix]\nconstraints = ["tool<3"]\n'
    found = lock(marketing, 'helper", "tool', own, "--upgrade")
    assert (found["helper"], found["tool"]) == ("2.0", "2.0")


def test_its_dagster_may_be_older_than_the_webservers_and_not_newer(marketing: World) -> None:
    for version in ("0.9", "1.1", "2.0"):
        marketing.index.add("dagster", version)
    assert lock(marketing, "dagster<1")["dagster"] == "0.9"
    assert marketing.lock_of("python")["packages"][HOST]["dagster"]["version"] == "1.0"
    # Those of the other images go on to 1.1, as their own constraint has it, and it goes along.
    assert lock(marketing, "dagster", "", "--upgrade")["dagster"] == "1.1"
    project = marketing.root / "teams" / "marketing" / "pyproject.toml"
    project.write_text(PROJECT.format(dependency="dagster==2"))
    said = marketing.fails("lock", "python", f"--python={sys.executable}")
    assert "The webserver and the daemon have Dagster 1.1, and must not be older" in said


def test_its_python_is_the_first_that_its_project_runs_on(marketing: World, key: Key) -> None:
    for machine in ("x86_64", "aarch64"):
        for tag in ("cp311-cp311", "cp313-cp313"):
            marketing.index.add("native", "1.0", tag=f"{tag}-manylinux_2_28_{machine}")
    marketing.index.add("only-old", "1.0")
    marketing.index.add("needs", "1.0", ("native", 'only-old; python_version < "3.12"'))
    project = marketing.root / "teams" / "marketing" / "pyproject.toml"
    text = PROJECT.format(dependency="needs")
    project.write_text(text + 'requires-python = ">=3.9,<3.11"\n')
    said = marketing.fails("lock", "python", f"--python={sys.executable}")
    assert "asks for Python >=3.9,<3.11, and Debian has 3.13.5, 3.11.2" in said
    assert "only-old" not in lock(marketing, "needs", 'requires-python = ">=3.11"\n')
    written = json.loads(code_locations.lock(marketing.root, "marketing").read_text())
    assert written["python"] == "3.13"
    # There is no bookworm here yet: nothing is changed.
    project.write_text(text + 'requires-python = ">=3.9,<3.12"\n')
    assert "bookworm" in marketing.fails("lock", "python", f"--python={sys.executable}")
    assert json.loads(code_locations.lock(marketing.root, "marketing").read_text()) == written
    publish_bookworm(marketing, key)
    said = marketing.ok("lock", "python", f"--python={sys.executable}")
    assert "marketing: Python 3.11: app added, 1.0" in said.splitlines()
    written = json.loads(code_locations.lock(marketing.root, "marketing").read_text())
    assert written["python"] == "3.11"
    assert "cp311" in written["packages"][HOST]["native"]["file"]
    assert "only-old" in written["packages"][HOST]
    assert marketing.lock_of("pythons/3.11")["groups"][HOST] == {"base": ["app"], "marketing": []}
    # What no location has any more goes.
    project.write_text(text + 'requires-python = ">=3.11"\n')
    said = marketing.ok("lock", "python", f"--python={sys.executable}")
    assert "Python 3.11 removed: no location has it" in said.splitlines()
    assert not marketing.lock_path("pythons/3.11").parent.exists()


def publish_bookworm(world: World, key: Key) -> None:
    """Have the mirror hold the release of the other Python, with what its images begin with."""
    for folder, label, suites in (
        (world.debian.folder, "Debian", ("bookworm", "bookworm-updates")),
        (world.security.folder, "Debian-Security", ("bookworm-security",)),
    ):
        archive = Archive(folder, key, label, suites)
        if label == "Debian":
            archive.add("app", "1.0")
        archive.publish()


def test_a_dependency_that_is_not_to_be_had_is_named(marketing: World) -> None:
    project = marketing.root / "teams" / "marketing" / "pyproject.toml"
    project.write_text(PROJECT.format(dependency="no-such"))
    said = marketing.fails("lock", "python", f"--python={sys.executable}")
    assert "teams/marketing/pyproject.toml: No matching distribution found for no-such." in said


@pytest.fixture
def other(marketing: World) -> World:
    """A second location beside it, whose pyproject.toml and packages are well."""
    code_locations.lock(marketing.root, "sales").write_text('{"folder": "teams/sales"}')
    folder = marketing.root / "teams" / "sales"
    folder.mkdir()
    listed = PROJECT.format(dependency="helper") + "[tool.dagnix]\ndebian-packages = ['extra']\n"
    (folder / "pyproject.toml").write_text(listed)
    marketing.debian.add("extra", "1.0")
    marketing.debian.add("more", "1.0")
    marketing.debian.publish()
    return marketing


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        ("[project", "is not valid TOML"),
        ("[project]\ndependencies = ['helper']\n[tool.dagnix]\ndebian-packages = ['none']", "apt"),
    ],
)
def test_one_that_cannot_be_locked_keeps_no_other_from_it(
    other: World, broken: str, says: str
) -> None:
    project = other.root / "teams" / "marketing" / "pyproject.toml"
    well = PROJECT.format(dependency="helper") + "[tool.dagnix]\ndebian-packages = ['more']\n"
    project.write_text(well)
    other.lock_all()
    before = other.lock_of("debian")["groups"][HOST]
    assert before["sales"] == ["extra"]
    kept = before["marketing"]
    project.write_text(broken)
    (other.root / "teams" / "sales" / "pyproject.toml").write_text(
        PROJECT.format(dependency="helper>=1.1")
    )
    done = other.run("lock", "debian", "python", f"--python={sys.executable}")
    assert done.returncode == 1
    assert "dagnix: All else is locked, but not marketing:\nmarketing: " in done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    groups = other.lock_of("debian")["groups"][HOST]
    assert (groups["marketing"], groups["sales"]) == (kept, [])
    sales = json.loads(code_locations.lock(other.root, "sales").read_text())
    assert sales["packages"][HOST]["helper"]["version"] == "1.1"


def test_one_whose_files_cannot_be_had_keeps_no_other_from_being_fetched(other: World) -> None:
    lock(other, "helper>=1.1")
    path = code_locations.lock(other.root, "marketing")
    path.write_text(path.read_text().replace("helper-1.1", "helper-1.9").replace('"1.1"', '"1.9"'))
    path.write_text(path.read_text().replace(sha256(path, "helper"), "0" * 64))
    for words, code in (([], 1), (["--keep-going"], 0)):
        done = other.run("fetch", *words)
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr
        assert ("but not marketing:\nmarketing: " in done.stderr) == (code == 1)
        assert other.in_store("-helper-1.0-py3-none-any.whl")


def sha256(path: Path, package: str) -> str:
    return json.loads(path.read_text())["packages"][HOST][package]["sha256"]
