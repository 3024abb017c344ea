"""nix/debian.toml → nix/locks/debian.json, with apt as the solver."""

import pytest
from support.world import HOST, SYSTEMS, World


def test_groups_hold_what_their_packages_depend_on(world: World) -> None:
    groups = world.lock_of("debian")["groups"]
    for system in SYSTEMS:
        assert groups[system] == {
            "base": ["app", "libfoo"],
            "pipes": [],
            "seed": ["busybox-static"],
        }


def test_entries_say_where_and_what_the_file_is(world: World) -> None:
    entry = world.lock_of("debian")["packages"]["x86_64-linux"]["libfoo"]
    deb = world.debian.deb("libfoo", "1.0+b1")
    assert entry == {
        "version": "1.0+b1",
        "architecture": "amd64",
        "archive": "debian",
        "path": str(deb.relative_to(world.debian.folder)),
        "size": deb.stat().st_size,
        "sha256": entry["sha256"],
    }


def test_locking_twice_changes_nothing(world: World) -> None:
    before = world.lock_path("debian").read_bytes()
    # The mirror was released anew, with other packages.
    world.debian.add("other", "1.0")
    world.debian.publish()
    assert world.ok("lock", "debian") == "nothing changed in debian\n"
    assert world.lock_path("debian").read_bytes() == before


def test_locked_versions_stay_without_upgrade(world: World) -> None:
    world.security.add("libfoo", "1.1")
    world.security.publish()
    assert world.ok("lock", "debian") == "nothing changed in debian\n"
    assert world.ok("lock", "debian", "--upgrade") == "libfoo 1.0+b1 → 1.1\n"
    entry = world.lock_of("debian")["packages"][HOST]["libfoo"]
    assert entry["archive"] == "debian-security"
    assert world.lock_of("debian")["snapshot"] == "20260103T000000Z"


def test_added_package_comes_with_what_it_needs_and_nothing_else_moves(world: World) -> None:
    world.security.add("libfoo", "1.1")
    world.security.publish()
    world.debian.add("more", "1.0", {"Depends": "libmore, libfoo (>= 1.0)"})
    world.debian.add("libmore", "1.0")
    world.debian.publish()
    _edit(world, 'packages = ["app"]', 'packages = ["app", "more"]')
    assert world.ok("lock", "debian") == "libmore added, 1.0\nmore added, 1.0\n"


def test_a_new_group_takes_the_versions_that_others_have(world: World) -> None:
    world.security.add("libfoo", "1.1")
    world.security.publish()
    world.debian.add("more", "1.0", {"Depends": "libfoo"})
    world.debian.publish()
    _edit(world, "[groups.seed]", '[groups.daemon]\npackages = ["more"]\n[groups.seed]')
    assert world.ok("lock", "debian") == "more added, 1.0\n"
    assert world.lock_of("debian")["groups"][HOST]["daemon"] == ["libfoo", "more"]


def test_a_group_that_nothing_uses_is_refused(world: World) -> None:
    _edit(world, "[groups.seed]", '[groups.demon]\npackages = ["more"]\n[groups.seed]')
    said = world.fails("lock", "debian")
    assert "has groups that nothing uses: demon. There are base, compiler, daemon, go," in said


def test_added_package_may_make_others_move(world: World) -> None:
    world.security.add("libfoo", "1.1")
    world.security.publish()
    world.debian.add("more", "1.0", {"Depends": "libfoo (>= 1.1)"})
    world.debian.publish()
    _edit(world, 'packages = ["app"]', 'packages = ["app", "more"]')
    assert world.ok("lock", "debian") == "libfoo 1.0+b1 → 1.1\nmore added, 1.0\n"


def test_removed_package_takes_along_what_only_it_needs(world: World) -> None:
    _edit(world, 'packages = ["app"]', "packages = []")
    assert world.ok("lock", "debian") == "app removed, was 1.0\nlibfoo removed, was 1.0+b1\n"


def test_what_is_no_longer_excluded_comes_in(world: World) -> None:
    _edit(world, 'exclude = ["unwanted"]', "")
    assert world.ok("lock", "debian") == "only-for-unwanted added, 1.0\nunwanted added, 1.0\n"


def test_what_is_newly_excluded_goes_out(world: World) -> None:
    _edit(world, '"unwanted"', '"unwanted", "libfoo"')
    assert world.ok("lock", "debian") == "libfoo removed, was 1.0+b1\n"


def test_packages_that_the_pipes_need_are_a_group(world: World) -> None:
    world.debian.add("libgeo", "3.0", {"Depends": "libfoo, unwanted"})
    world.debian.publish()
    with (world.root / "pipes" / "pyproject.toml").open("a") as stream:
        stream.write('[tool.dagnix]\ndebian-packages = ["libgeo"]\n')
    assert world.ok("lock", "debian") == "libgeo added, 3.0\n"
    assert world.lock_of("debian")["groups"][HOST]["pipes"] == ["libfoo", "libgeo"]


def test_package_that_one_group_must_move_moves_in_all(world: World) -> None:
    world.security.add("libfoo", "1.1")
    world.security.publish()
    world.debian.add("libgeo", "3.0", {"Depends": "libfoo (>= 1.1)"})
    world.debian.publish()
    with (world.root / "pipes" / "pyproject.toml").open("a") as stream:
        stream.write('[tool.dagnix]\ndebian-packages = ["libgeo"]\n')
    assert world.ok("lock", "debian") == "libfoo 1.0+b1 → 1.1\nlibgeo added, 3.0\n"


def test_signature_that_is_not_right(world: World) -> None:
    release = world.debian.folder / "dists" / "trixie" / "InRelease"
    release.write_text(release.read_text().replace("Label: Debian", "Label: Another"))
    before = world.lock_path("debian").read_bytes()
    assert world.fails("lock", "debian").startswith("Debian's package lists cannot be had (")
    assert world.lock_path("debian").read_bytes() == before


def test_keyring_that_is_not_there(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGNIX_DEBIAN_KEYRING", "/no/such/keyring.gpg")
    assert world.fails("lock", "debian") == (
        "/no/such/keyring.gpg, whose keys sign Debian's archive, is not there: "
        "apt-get install debian-archive-keyring."
    )


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('["app"]', '["no-such"]', "apt finds no way to install no-such from trixie"),
        ('["unwanted"]', '["no-such"]', "nix/debian.toml excludes no-such"),
        ('suite = "trixie"', "", "nix/debian.toml lacks 'suite'."),
        ("[groups.base]", "[groups.base", "is not valid TOML"),
    ],
)
def test_list_that_is_not_right(world: World, old: str, new: str, sentence: str) -> None:
    _edit(world, old, new)
    assert sentence in world.fails("lock", "debian")


def _edit(world: World, old: str, new: str) -> None:
    path = world.root / "nix" / "debian.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
