"""A project's own uv.lock or pylock.toml: its versions are what is locked."""

import hashlib
import json
import runpy
import sys
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from support.world import DAGSTER, HOST, World

from dagnix import code_locations
from dagnix.locks.solve.project_lock import READER

# As uv writes it, with addresses that nobody is to ask.
NOWHERE = "http://127.0.0.1:9"
FORMS = ("uv.lock", "pylock.toml")

with pytest.MonkeyPatch.context() as patch:
    patch.syspath_prepend(READER.parent)
    PROGRAM = runpy.run_path(str(READER))


def package(  # noqa: PLR0913 - all that packages of a lock differ in
    form: str,
    name: str,
    version: str,
    *,
    depends: tuple[str, ...] = (),
    sha256: str = "",
    source: str = "",
    more: str = "",
) -> str:
    """Return a package as uv.lock or pylock.toml has it."""
    file = f"{name}-{version}-py3-none-any.whl"
    if form == "uv.lock":
        source = source or f'source = {{ registry = "{NOWHERE}/simple" }}'
        listed = ", ".join(f'{{ name = "{each}" }}' for each in depends)
        wheel = f'wheels = [{{ url = "{NOWHERE}/{file}", hash = "sha256:{sha256}" }}]\n'
        table = "package"
    else:
        listed = ""
        hashes = f'hashes = {{ sha256 = "{sha256}" }}'
        wheel = f'wheels = [{{ url = "{NOWHERE}/{file}", {hashes} }}]\n'
        table = "packages"
    return (
        f'[[{table}]]\nname = "{name}"\nversion = "{version}"\n{source}\n'
        f"{f'dependencies = [{listed}]' if listed else ''}\n{wheel if sha256 else ''}{more}\n"
    )


def head(form: str) -> str:
    version = "version = 1\nrevision = 5" if form == "uv.lock" else 'lock-version = "1.0"'
    return f'{version}\nrequires-python = ">=3.9"\n\n'


@pytest.fixture
def marketing(world: World) -> World:
    """A world with a location, and newer versions in the index than any lock has."""
    for version in ("1.1", "1.2", "4.0"):
        world.index.add("helper", version)
        world.index.add("tool", version, ("helper",))
    lock = code_locations.lock(world.root, "marketing")
    lock.parent.mkdir()
    lock.write_text('{"folder": "teams/marketing"}')
    folder(world).mkdir(parents=True)
    asks(world, "tool")
    return world


def folder(world: World) -> Path:
    return world.root / "teams" / "marketing"


def asks(world: World, *dependencies: str) -> None:
    (folder(world) / "pyproject.toml").write_text(
        f'[project]\nname = "marketing"\nversion = "1"\ndependencies = {json.dumps(dependencies)}\n'
    )


def write(world: World, form: str, *packages: str) -> None:
    (folder(world) / form).write_text(head(form) + "\n".join(packages))


def sha256(world: World, name: str, version: str) -> str:
    file = world.index.folder / name / f"{name}-{version}-py3-none-any.whl"
    return hashlib.sha256(file.read_bytes()).hexdigest()


def lock(world: World, *options: str) -> list[str]:
    return world.ok("lock", "python", f"--python={sys.executable}", *options).splitlines()


def refused(world: World) -> str:
    return world.fails("lock", "python", f"--python={sys.executable}")


def refusal(file: Path, text: str, asked: str = "tool") -> str:
    """Return why a lock with that text is not followed by a project that asks for that."""
    file.write_text(text)
    with pytest.raises(PROGRAM["RefusedError"]) as refused:
        PROGRAM["followed"](file, [Requirement(asked)], [], default_environment())
    return str(refused.value)


def versions(world: World) -> dict[str, str]:
    packages = json.loads(code_locations.lock(world.root, "marketing").read_text())["packages"][
        HOST
    ]
    return {name: entry["version"] for name, entry in packages.items() if name not in DAGSTER}


@pytest.mark.parametrize(("form", "options"), [("uv.lock", []), ("pylock.toml", ["--upgrade"])])
def test_its_versions_are_taken_and_what_is_added_is_named(
    marketing: World, form: str, options: list[str]
) -> None:
    write(
        marketing,
        form,
        package(form, "tool", "1.2", depends=("helper",), sha256=sha256(marketing, "tool", "1.2")),
        package(form, "helper", "1.1", sha256=sha256(marketing, "helper", "1.1")),
        package(form, "unrelated", "7.0"),
    )
    said = lock(marketing, *options)
    assert versions(marketing) == {"tool": "1.2", "helper": "1.1"}
    assert said[-1].endswith(f"{form} has: dagster 1.0, dagster-postgres 1.0")
    # The other images have nothing to do with it.
    others = marketing.lock_of("python")["packages"][HOST]["tool"]["version"]
    assert others == ("4.0" if options else "1.0")


def test_that_of_pipes_is_followed_too(world: World) -> None:
    world.index.add("library", "2.0")
    world.index.add("library", "3.0")
    path = world.root / "pipes" / "uv.lock"
    path.write_text(head("uv.lock") + package("uv.lock", "library", "2.0"))
    lock(world, "--upgrade")
    assert world.lock_of("python")["packages"][HOST]["library"]["version"] == "2.0"


def test_of_several_versions_the_one_for_this_python_and_machine_is_taken(
    marketing: World,
) -> None:
    form = "uv.lock"
    old, arm, intel = (
        package(form, "helper", version, more=f'resolution-markers = ["{marker}"]')
        for version, marker in (
            ("0.1", "python_full_version < '3'"),
            ("1.1", "python_full_version >= '3' and platform_machine == 'aarch64'"),
            ("1.2", "python_full_version >= '3' and platform_machine == 'x86_64'"),
        )
    )
    write(marketing, form, package(form, "tool", "1.2", depends=("helper",)), old, arm, intel)
    lock(marketing)
    packages = json.loads(code_locations.lock(marketing.root, "marketing").read_text())["packages"]
    assert packages["aarch64-linux"]["helper"]["version"] == "1.1"
    assert packages["x86_64-linux"]["helper"]["version"] == "1.2"


def test_extras_are_followed_and_what_is_for_others_is_not(marketing: World) -> None:
    form = "uv.lock"
    marketing.index.add("library", "2.0", ('helper; extra == "more"',), extras=("more",))
    asks(marketing, "library[more]")
    only = (
        'dependencies = [{ name = "elsewhere", marker = "sys_platform == \'win32\'" }]\n'
        '[package.optional-dependencies]\nmore = [{ name = "helper" }]'
    )
    write(
        marketing,
        form,
        package(form, "library", "2.0", more=only),
        package(form, "helper", "1.1"),
        package(form, "elsewhere", "1.0", source='source = { git = "https://git.example/x" }'),
    )
    lock(marketing)
    assert versions(marketing) == {"library": "2.0", "helper": "1.1"}


def test_a_version_outside_the_constraints_is_named_and_the_rest_is_followed(
    marketing: World,
) -> None:
    form = "uv.lock"  # location-constraints: helper<3
    write(
        marketing,
        form,
        package(form, "tool", "1.1", depends=("helper",)),
        package(form, "helper", "4.0"),
    )
    said = lock(marketing)
    found = versions(marketing)
    assert found["tool"] == "1.1"
    assert found["helper"] == "1.0"
    place = folder(marketing) / form
    line = f"helper is 1.0, not 4.0 as in {place}: helper<3 is asked for here"
    assert f"marketing: {line}" in said


def test_a_version_that_the_index_lacks_is_named_and_the_rest_is_followed(
    marketing: World,
) -> None:
    form = "pylock.toml"
    write(marketing, form, package(form, "tool", "1.1"), package(form, "helper", "2.7"))
    said = "\n".join(lock(marketing))
    assert versions(marketing)["tool"] == "1.1"
    assert f"not 2.7 as in {folder(marketing) / form}: " in said


@pytest.mark.parametrize("form", FORMS)
def test_another_file_of_the_same_version_is_refused(marketing: World, form: str) -> None:
    write(marketing, form, package(form, "tool", "1.1", sha256="0" * 64))
    assert "tool-1.1-py3-none-any.whl with another hash than" in refused(marketing)


def test_that_of_a_workspace_is_followed_for_a_member(marketing: World) -> None:
    project = marketing.root / "pyproject.toml"
    project.write_text(
        project.read_text() + '[tool.uv.workspace]\nmembers = ["teams/*", "libraries/*"]\n'
    )
    packages = [
        package("uv.lock", "marketing", "1", source='source = { editable = "teams/marketing" }'),
        package("uv.lock", "shared", "1", source='source = { editable = "libraries/shared" }'),
        package("uv.lock", "tool", "1.1", sha256=sha256(marketing, "tool", "1.1")),
    ]
    (marketing.root / "uv.lock").write_text(head("uv.lock") + "\n".join(packages))
    lock(marketing)
    assert versions(marketing)["tool"] == "1.1"
    # Another member comes along, with what it needs.
    asks(marketing, "shared")
    with (folder(marketing) / "pyproject.toml").open("a") as stream:
        stream.write("[tool.uv.sources]\nshared = { workspace = true }\n")
    shared = marketing.root / "libraries/shared"
    shared.mkdir(parents=True)
    (shared / "pyproject.toml").write_text("[project]\nname = 'shared'\ndependencies = ['tool']\n")
    lock(marketing)
    assert versions(marketing)["tool"] == "1.1"
    written = json.loads(code_locations.lock(marketing.root, "marketing").read_text())
    assert written["members"] == ["libraries/shared"]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("asked", ["tool>=1.2", "library"])
def test_one_that_is_older_than_the_project_is_refused(
    tmp_path: Path, form: str, asked: str
) -> None:
    again = "run `uv lock` there." if form == "uv.lock" else "make it anew there."
    said = refusal(tmp_path / form, head(form) + package(form, "tool", "1.1"), asked)
    assert said.endswith(f"older than what the project asks for, {asked}: {again}")


@pytest.mark.parametrize(
    ("form", "source", "place"),
    [
        ("uv.lock", 'source = { git = "https://git.example/tool?rev=1#2" }', "git"),
        ("uv.lock", 'source = { editable = "../tool" }', "the folder ../tool"),
        ("uv.lock", 'source = { url = "https://files.example/tool.whl" }', "an address"),
        ("pylock.toml", 'vcs = { type = "git", commit-id = "1" }', "a repository"),
        ("pylock.toml", 'directory = { path = "../tool" }', "a folder"),
    ],
)
def test_what_comes_from_no_index_is_refused(
    tmp_path: Path, form: str, source: str, place: str
) -> None:
    said = refusal(tmp_path / form, head(form) + package(form, "tool", "1.1", source=source))
    assert f"has tool from {place}, which is no package of an index" in said


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("version = [", "uv.lock cannot be read: "),
        ("version = 9\n", "has a format that is not known here, version 9: export it"),
        (
            'version = 1\nrequires-python = "<3.10"\n',
            "uv.lock is for Python <3.10, and the image has",
        ),
        ('version = 1\n[[package]]\nname = "tool"\n', "uv.lock cannot be read: "),
    ],
)
def test_one_that_cannot_be_followed_is_refused(tmp_path: Path, text: str, says: str) -> None:
    assert says in refusal(tmp_path / "uv.lock", text)
