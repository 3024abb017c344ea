"""config/apt/*.sources: packages of a project's own apt sources, whose signatures apt checks."""

import subprocess
from pathlib import Path

import pytest
from support.fakes import Archive, Key
from support.world import HOST, SYSTEMS, World

VENDOR = Path("config/apt/vendor.sources")
SOURCE = """\
# Where the driver comes from.
URIs: {url}/vendor/
Suites: stable
Components: main
Signed-By:{key}
"""


def exported(key: Key) -> str:
    """Return a public key as text."""
    command = ["gpg", "--homedir", str(key.home), "--batch", "--armor", "--export"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def armored(key: Key) -> str:
    """Return a public key in the form that a .sources file takes."""
    return "\n" + "\n".join(f" {line or '.'}" for line in exported(key).splitlines())


@pytest.fixture
def vendor(world: World, key: Key) -> Archive:
    """A signed source with a driver, which the pipes ask for; its file is the test's to write."""
    archive = Archive(world.server.folder / "vendor", key, "Vendor", ("stable",))
    archive.add("driver", "18.0", {"Depends": "libfoo (>= 1.0)"})
    archive.publish()
    with (world.root / "pipes" / "pyproject.toml").open("a") as stream:
        stream.write('[tool.dagnix]\ndebian-packages = ["driver"]\n')
    return archive


def write(world: World, key: str, name: str = "vendor.sources") -> None:
    file = world.root / VENDOR.with_name(name)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(SOURCE.format(url=world.server.url, key=key))


def refused(world: World) -> str:
    """See that the lock is refused and stays as it is; return the sentence."""
    before = world.lock_path("debian").read_bytes()
    sentence = world.fails("lock", "debian")
    assert world.lock_path("debian").read_bytes() == before
    return sentence


def test_a_package_of_a_source_is_locked_and_fetched(
    world: World, vendor: Archive, key: Key
) -> None:
    write(world, armored(key))
    assert world.ok("lock", "debian") == "driver added, 18.0\n"
    lock = world.lock_of("debian")
    assert lock["groups"][HOST]["pipes"] == ["driver", "libfoo"]
    entry = lock["packages"][HOST]["driver"]
    assert entry["archive"] == "vendor"
    assert (vendor.folder / entry["path"]).stat().st_size == entry["size"]
    assert world.server.url not in world.lock_path("debian").read_text()
    assert world.ok("lock", "debian") == "nothing changed in debian\n"
    world.ok("fetch")
    assert world.in_store(f"-{Path(entry['path']).name}")


@pytest.mark.usefixtures("vendor")
def test_the_key_may_be_a_file_beside_the_source(world: World, key: Key) -> None:
    write(world, " vendor.asc")
    assert refused(world) == (
        "The key of config/apt/vendor.sources, config/apt/vendor.asc, is not there: "
        "put it beside the source, or into Signed-By itself."
    )
    (world.root / VENDOR).with_name("vendor.asc").write_text(exported(key))
    assert world.ok("lock", "debian") == "driver added, 18.0\n"


def test_what_one_architecture_lacks_is_locked_for_the_other_if_the_list_says_so(
    world: World, vendor: Archive, key: Key
) -> None:
    del vendor.index["arm64", "driver"]
    vendor.publish()
    write(world, armored(key))
    assert refused(world) == (
        "pipes: There is no driver for arm64: for images of amd64 alone write `driver [amd64]` in "
        "debian-packages."
    )
    # As a source says it that is for one architecture alone.
    (world.root / VENDOR).write_text(f"Architectures: amd64\n{(world.root / VENDOR).read_text()}")
    assert "There is no driver for arm64: " in refused(world)
    project = world.root / "pipes" / "pyproject.toml"
    project.write_text(project.read_text().replace('"driver"', '"driver [amd64]"'))
    assert world.ok("lock", "debian") == "driver added, 18.0 (x86_64-linux)\n"
    groups = world.lock_of("debian")["groups"]
    assert [groups[system]["pipes"] for system in SYSTEMS] == [[], ["driver", "libfoo"]]
    project.write_text(project.read_text().replace("driver [amd64]", "driver (= 18)"))
    assert "'driver (= 18)' in debian-packages is no package: give a name" in refused(world)


@pytest.mark.usefixtures("vendor")
def test_another_key_is_refused(world: World, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = Key.made_in(tmp_path / "other")
    write(world, armored(other))
    other.forget()
    sentence = refused(world)
    assert sentence.startswith("config/apt/vendor.sources cannot be used (")
    assert sentence.endswith("): check its address, its suites and its key.")


def test_what_nobody_has_signed_is_refused(world: World, vendor: Archive, key: Key) -> None:
    (vendor.folder / "dists/stable/InRelease").unlink()
    write(world, armored(key))
    sentence = refused(world)
    assert sentence.startswith("config/apt/vendor.sources cannot be used (")
    assert "is not signed" in sentence


def test_an_index_that_was_changed_is_refused(world: World, vendor: Archive, key: Key) -> None:
    packages = vendor.folder / "dists/stable/main/binary-amd64/Packages"
    packages.write_text(packages.read_text().replace("18.0", "18.1"))
    write(world, armored(key))
    assert refused(world).startswith("config/apt/vendor.sources cannot be used (")


def test_a_file_that_is_not_the_locked_one_is_refused(
    world: World, vendor: Archive, key: Key
) -> None:
    write(world, armored(key))
    world.ok("lock", "debian")
    deb = vendor.deb(
        "driver", "18.0", world.lock_of("debian")["packages"][HOST]["driver"]["architecture"]
    )
    world.server.replaced[deb.name] = bytes(deb.stat().st_size)
    assert world.fails("fetch").startswith(f"{deb.name}: hash mismatch, twice")
    assert not world.in_store(f"-{deb.name}")


def test_debians_packages_are_taken_from_debian(world: World, vendor: Archive, key: Key) -> None:
    vendor.add("libfoo", "9.0")
    vendor.publish()
    write(world, armored(key))
    assert world.ok("lock", "debian", "--upgrade") == "driver added, 18.0\n"
    assert world.versions()["libfoo"] == "1.0+b1"


@pytest.mark.usefixtures("vendor")
def test_a_source_that_is_renamed_or_removed(world: World, key: Key) -> None:
    write(world, armored(key))
    world.ok("lock", "debian")
    (world.root / VENDOR).rename((world.root / VENDOR).with_name("driver.sources"))
    assert world.fails("fetch") == (
        "nix/locks/debian.json has packages from config/apt/vendor.sources, which is not there: "
        "take it from git, or run ./dagnix lock debian."
    )
    world.ok("lock", "debian")
    assert world.lock_of("debian")["packages"][HOST]["driver"]["archive"] == "driver"
    world.ok("fetch")
    (world.root / VENDOR).with_name("driver.sources").unlink()
    assert refused(world).startswith("apt finds no way to install driver ")


@pytest.mark.parametrize(
    ("name", "old", "new", "sentence"),
    [
        ("vendor", "Signed-By:", "# ", "config/apt/vendor.sources lacks Signed-By."),
        ("vendor", "Suites:", "Trusted: yes\nSuites:", "has the field Trusted, which Dagnix"),
        ("vendor", "URIs:", "Types: deb-src\nURIs:", "must have Types: deb."),
        ("vendor", "URIs: ", "URIs: http://127.0.0.1:9 ", "has several URIs: name one."),
        ("vendor", "URIs:", "URIs: x\n\nURIs:", "holds more than one source"),
        ("debian", "", "", "config/apt/debian.sources needs another name"),
    ],
)
@pytest.mark.usefixtures("vendor")
def test_source_that_is_not_right(
    world: World, name: str, old: str, new: str, sentence: str
) -> None:
    write(world, " vendor.gpg", f"{name}.sources")
    file = world.root / VENDOR.with_name(f"{name}.sources")
    file.write_text(file.read_text().replace(old, new) if old else file.read_text())
    assert sentence in refused(world)
