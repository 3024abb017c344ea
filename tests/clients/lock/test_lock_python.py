"""pyproject.toml → nix/locks/python.json, with pip as the solver."""

import hashlib
import platform
import sys

import pytest
from support.world import DAGSTER, HOST, SYSTEMS, World

from dagnix.locks.solve.python import conflicting


def _lock(world: World, *options: str) -> str:
    return world.ok("lock", "python", f"--python={sys.executable}", *options)


def test_groups_hold_what_their_requirements_need(world: World) -> None:
    lock = world.lock_of("python")
    for system in SYSTEMS:
        assert lock["groups"][system] == {"cli": ["helper", "tool"], "pipes": [*DAGSTER, "library"]}
    wheel = world.index.folder / "helper" / "helper-1.0-py3-none-any.whl"
    assert lock["packages"][HOST]["helper"] == {
        "version": "1.0",
        "file": wheel.name,
        "size": wheel.stat().st_size,
        "sha256": hashlib.sha256(wheel.read_bytes()).hexdigest(),
    }


def test_markers_extras_and_wheels_are_those_of_the_target_machine(world: World) -> None:
    for machine in ("x86_64", "aarch64"):
        world.index.add("native", "1.0", tag=f"cp313-cp313-manylinux_2_28_{machine}")
    world.index.add("native", "2.0", tag="cp313-cp313-win_amd64")
    world.index.add("only-arm", "1.0")
    world.index.add("for-extra", "1.0")
    world.index.add(
        "library",
        "2.0",
        (
            'only-arm; platform_machine == "aarch64"',
            'for-extra; extra == "more"',
            'no-such; extra == "less"',
            "native",
        ),
        extras=("more", "less"),
    )
    _edit(world, "pipes/pyproject.toml", '"library"', '"library[more]"')
    _lock(world, "--upgrade")
    groups = world.lock_of("python")["groups"]
    assert groups["x86_64-linux"]["pipes"] == [*DAGSTER, "for-extra", "library", "native"]
    assert groups["aarch64-linux"]["pipes"] == [
        *DAGSTER,
        "for-extra",
        "library",
        "native",
        "only-arm",
    ]
    for system in SYSTEMS:
        native = world.lock_of("python")["packages"][system]["native"]
        assert native["file"] == f"native-1.0-cp313-cp313-manylinux_2_28_{system[:-6]}.whl"


def test_a_dependency_of_other_systems_is_left_out(world: World) -> None:
    elsewhere = "no-such; sys_platform == 'win32'"
    _edit(world, "pipes/pyproject.toml", '"library"', f'"library", "{elsewhere}"')
    assert _lock(world) == "nothing changed in python\n"


def test_locked_versions_stay_without_upgrade(world: World) -> None:
    world.index.add("helper", "1.1")
    assert _lock(world) == "nothing changed in python\n"
    assert _lock(world, "--upgrade") == "helper 1.0 → 1.1\n"


def test_only_what_is_in_the_way_of_an_edit_moves(world: World) -> None:
    world.index.add("helper", "1.1")
    world.index.add("library", "1.1")
    _edit(world, "pipes/pyproject.toml", '"library"', '"library>=1.1"')
    assert _lock(world) == "library 1.0 → 1.1\n"


def test_version_that_the_index_lost_moves(world: World) -> None:
    world.index.add("helper", "1.1")
    world.index.remove(world.index.folder / "helper" / "helper-1.0-py3-none-any.whl")
    assert _lock(world) == "helper 1.0 → 1.1\n"


def test_constraints_hold(world: World) -> None:
    world.index.add("tool", "9.0")
    assert _lock(world, "--upgrade") == "nothing changed in python\n"


def test_groups_may_include_groups(world: World) -> None:
    _edit(
        world,
        "pyproject.toml",
        'cli = ["tool"]',
        'cli = ["tool"]\nall = [{ include-group = "cli" }, "library"]',
    )
    _lock(world)
    assert world.lock_of("python")["groups"][HOST]["all"] == ["helper", "library", "tool"]


@pytest.mark.parametrize(
    ("file", "old", "new", "sentence"),
    [
        (
            "pyproject.toml",
            '"tool"',
            '"no-such"',
            "pipes/pyproject.toml: No matching distribution found for no-such.",
        ),
        (
            "pyproject.toml",
            '"tool"',
            '"tool", "library<1"',
            "The user requested library; The user requested library<1.",
        ),
        ("pyproject.toml", "[tool.dagnix]", "[tool.other]", "lacks 'dagnix': put it in."),
        ("pipes/pyproject.toml", "[project]", "[project", "pipes/pyproject.toml cannot be read"),
    ],
)
def test_list_that_is_not_right(world: World, file: str, old: str, new: str, sentence: str) -> None:
    _edit(world, file, old, new)
    assert sentence in world.fails("lock", "python", f"--python={sys.executable}")


def test_versions_that_are_held_back_for_want_of_a_wheel_are_named(world: World) -> None:
    for version in ("2.0", "2.1"):
        world.index.add("library", version, (f"parser>={version}",))
    world.index.add("parser", "2.0")
    world.index.add_source("parser", "2.1")
    world.index.add_source("helper", "1.5")
    # None of these is what the others would be without.
    world.index.add_source("library", "1.5")
    world.index.add_source("library", "3.0rc1")
    world.index.add_source("tool", "9.0")
    assert _lock(world, "--upgrade").splitlines() == [
        "library 1.0 → 2.0",
        "parser added, 2.0",
        "helper stays at 1.0: 1.5 has no wheel",
        "library stays at 2.0: 2.1 depends on parser>=2.1, which has no wheel",
        "parser stays at 2.0: 2.1 has no wheel",
    ]
    assert _lock(world) == "nothing changed in python\n"


def test_a_version_without_a_wheel_for_one_machine_is_held_back_on_that(world: World) -> None:
    for machine in ("x86_64", "aarch64"):
        world.index.add("native", "1.0", tag=f"cp313-cp313-manylinux_2_28_{machine}")
    world.index.add("native", "2.0", tag="cp313-cp313-manylinux_2_28_x86_64")
    _edit(world, "pipes/pyproject.toml", '"library"', '"library", "native"')
    assert _lock(world).splitlines() == [
        "native added, 1.0 (aarch64-linux)",
        "native added, 2.0 (x86_64-linux)",
        "native stays at 1.0: 2.0 has no wheel (aarch64-linux)",
    ]


def test_a_package_that_is_only_a_source_archive_is_named_with_the_version_that_has_a_wheel(
    world: World,
) -> None:
    world.index.add("library", "2.0", ("parser>=2.1",))
    world.index.add_source("parser", "2.1")
    _edit(world, "pipes/pyproject.toml", '"library"', '"library>=2"')
    said = world.fails("lock", "python", f"--python={sys.executable}")
    needed = (
        "parser 2.1, which library needs, has no wheel, and its source archive cannot be used: "
        "it is not an archive that can be read; "
    )
    assert said.endswith(f"pipes/pyproject.toml: {needed}no version has a wheel.")
    world.index.add("parser", "2.0")
    said = world.fails("lock", "python", f"--python={sys.executable}")
    assert said.endswith(f"{needed}the newest version with a wheel is 2.0.")
    _edit(world, "pipes/pyproject.toml", '"library>=2"', '"parser"')
    assert "parser added, 2.0" in _lock(world)


@pytest.mark.parametrize("wanted", [">=3.9,<3.11", "^3.9"])
def test_another_python_than_that_of_the_images_is_refused(world: World, wanted: str) -> None:
    before = world.lock_path("python").read_bytes()
    _edit(world, "pipes/pyproject.toml", "[project]", f'[project]\nrequires-python = "{wanted}"')
    said = world.fails("lock", "python", f"--python={sys.executable}")
    version = platform.python_version()
    assert f"pipes/pyproject.toml asks for Python {wanted}, and the images have {version}" in said
    assert world.lock_path("python").read_bytes() == before
    _edit(world, "pipes/pyproject.toml", wanted, ">=3.9,!=3.12.*")
    assert _lock(world) == "nothing changed in python\n"


def test_pins_in_the_way_are_read_from_pips_words() -> None:
    said = """
    The conflict is caused by:
        library 2.0 depends on click<8
        The user requested (constraint) click==8.5.1
        The user requested (constraint) Foo_Bar==1.0
        The user requested (constraint) dagster<1.13.27,==1.13.*,==1.13.27
    ERROR: No matching distribution found for yanked==3.0
    """
    assert conflicting(said) == {"click", "foo-bar", "yanked", "dagster"}


def _edit(world: World, file: str, old: str, new: str) -> None:
    path = world.root / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
