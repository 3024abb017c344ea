"""A code location's pyproject.toml → its own lock."""

import json
import sys

import pytest
from world import HOST, World

from dagnix import locations

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
    lock = locations.lock(world.root, "marketing")
    lock.parent.mkdir()
    lock.write_text('{"folder": "teams/marketing"}')
    (world.root / "teams" / "marketing").mkdir(parents=True)
    return world


def lock(world: World, dependency: str) -> dict[str, str]:
    """Lock the location with a dependency; return its packages and their versions."""
    project = world.root / "teams" / "marketing" / "pyproject.toml"
    project.write_text(PROJECT.format(dependency=dependency))
    world.ok("lock", "python", f"--python={sys.executable}")
    written = json.loads(locations.lock(world.root, "marketing").read_text())
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


def test_a_dependency_that_is_not_to_be_had_is_named(marketing: World) -> None:
    project = marketing.root / "teams" / "marketing" / "pyproject.toml"
    project.write_text(PROJECT.format(dependency="no-such"))
    said = marketing.fails("lock", "python", f"--python={sys.executable}")
    assert "teams/marketing/pyproject.toml: No matching distribution found for no-such." in said
