"""What `./dagnix updates` says, and what `./dagnix lock --security` takes of it."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.fakes import Archive, Key
from support.markdown import Page
from support.world import HOST, SYSTEMS, World

from dagnix.commands.updates import WAITING
from dagnix.locks.solve.python import patch_releases

PAGE = Page(Path("docs/howto/updates.md"))
WITH = f"--python={sys.executable}"


def waiting(world: World, *options: str) -> str:
    """See that updates wait, and return what is said of them."""
    done = world.run("updates", *options, WITH)
    assert done.returncode == WAITING, done.stderr
    return done.stdout


def secured(world: World, **fields: str) -> None:
    """Publish a security update of libfoo."""
    world.security.add("libfoo", "1.0+b1+deb13u1", fields)
    world.security.publish()


@PAGE.run_by("./dagnix updates", "./dagnix updates debian --json", "./dagnix lock --security")
def test_what_the_page_says(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is for a project of its own, which has Dagnix elsewhere."""

    def typed(command: str, *options: str) -> subprocess.CompletedProcess[str]:
        words = PAGE.typed(command, {"./dagnix": f"{sys.executable} -m dagnix"}).split()
        return subprocess.run([*words, *options], check=False, capture_output=True, text=True)

    source = world.root.with_name("dagnix")
    shutil.copytree(world.root, source)
    monkeypatch.setenv("DAGNIX_SOURCE", str(source))
    secured(world)
    world.index.add("library", "1.0.1")
    assert typed("./dagnix updates", WITH).returncode == WAITING
    told = json.loads(typed("./dagnix updates debian --json").stdout)
    assert [each["package"] for each in told["debian"]["updates"]] == ["libfoo"]
    assert "library 1.0 → 1.0.1" in typed("./dagnix lock --security", WITH).stdout
    assert typed("./dagnix updates", WITH).returncode == 0


def test_nothing_waits(world: World) -> None:
    assert world.ok("updates", WITH) == (
        "Security updates of Debian packages: none\nPatch releases of Python packages: none\n"
    )


def test_a_newer_version_of_the_security_suite_waits_until_it_is_locked(world: World) -> None:
    world.ok("fetch")
    secured(world)
    # No security updates: one of another suite, one that nothing has, and one that all have.
    world.debian.add("app", "2.0", {"Depends": "libfoo"})
    world.debian.publish()
    world.security.add("other", "9")
    world.security.add("busybox-static", "1:1.36")
    world.security.publish()
    assert waiting(world, "debian") == (
        "Security updates of Debian packages: 1\n  libfoo 1.0+b1 → 1.0+b1+deb13u1 (base)\n"
    )
    # What the mirror has no more stays where its file is here.
    assert world.ok("lock", "debian", "--security").splitlines() == [
        "app 1.0 → 2.0 (aarch64-linux)",
        "libfoo 1.0+b1 → 1.0+b1+deb13u1",
    ]
    entry = world.lock_of("debian")["packages"][HOST]["libfoo"]
    assert entry["archive"] == "debian-security"
    assert world.ok("updates", "debian") == "Security updates of Debian packages: none\n"


def test_an_update_brings_what_it_needs_and_nothing_else(world: World) -> None:
    world.ok("fetch")
    secured(world, Depends="app (>= 2.0), libnew")
    world.debian.add("libnew", "1.0")
    world.debian.add("app", "2.0", {"Depends": "libfoo"})
    world.debian.publish()
    assert world.ok("lock", "debian", "--security").splitlines() == [
        "app 1.0 → 2.0",
        "libfoo 1.0+b1 → 1.0+b1+deb13u1",
        "libnew added, 1.0",
    ]


def test_only_an_update_that_is_of_the_security_suite_moves(world: World) -> None:
    secured(world)
    world.debian.add("new", "1.0")
    world.debian.publish()
    assert world.ok("lock", "debian") == "nothing changed in debian\n"
    assert world.ok("lock", "debian", "--security") == "libfoo 1.0+b1 → 1.0+b1+deb13u1\n"


def test_an_update_that_a_point_release_has_taken_in_is_its_newest_version(world: World) -> None:
    secured(world)
    world.debian.add("libfoo", "1.2")
    world.debian.publish()
    assert "libfoo 1.0+b1 → 1.2 (base)" in waiting(world, "debian")
    assert world.ok("lock", "debian", "--security") == "libfoo 1.0+b1 → 1.2\n"


def test_a_projects_own_source_has_no_security_updates(world: World, key: Key) -> None:
    """It may name its suite as Debian does."""
    vendor = Archive(world.server.folder / "vendor", key, "Vendor", ("trixie-security",))
    vendor.add("libfoo", "9.0")
    vendor.publish()
    folder = world.root / "config" / "apt"
    folder.mkdir(parents=True)
    (folder / "vendor.gpg").write_bytes(key.keyring.read_bytes())
    (folder / "vendor.sources").write_text(
        f"URIs: {world.server.url}/vendor/\nSuites: trixie-security\nComponents: main\n"
        "Signed-By: vendor.gpg\n"
    )
    assert world.ok("updates", "debian") == "Security updates of Debian packages: none\n"


def test_patch_releases_wait_until_they_are_locked(world: World) -> None:
    world.index.add("helper", "1.0.1")
    world.index.add("helper", "1.1")
    world.index.add("library", "2.0")
    assert waiting(world, "python") == (
        "Patch releases of Python packages: 1\n  helper 1.0 → 1.0.1 (cli)\n"
    )
    assert world.ok("lock", "python", WITH) == "nothing changed in python\n"
    assert world.ok("lock", "python", WITH, "--security") == "helper 1.0 → 1.0.1\n"
    assert world.ok("updates", "python", WITH) == "Patch releases of Python packages: none\n"


def test_a_patch_release_that_the_others_do_not_fit_is_none(world: World) -> None:
    world.index.add("tool", "1.0.1", ("helper>=2",))
    world.index.add("helper", "2.0")
    assert world.ok("updates", "python", WITH) == "Patch releases of Python packages: none\n"


@pytest.mark.parametrize(
    ("version", "specifier"),
    [
        ("1.2.3", ">=1.2.3,==1.2.*"),
        ("2025.2", ">=2025.2,==2025.2.*"),
        ("5", ">=5,==5.0.*"),
        ("1!2.0.post1", ">=1!2.0.post1,==1!2.0.*"),
        ("1.0rc1", ">=1.0rc1,==1.0.*"),
        ("2.1.0+cpu", ">=2.1.0,==2.1.*"),
    ],
)
def test_patch_releases_have_the_first_two_numbers(version: str, specifier: str) -> None:
    assert patch_releases(version) == specifier


def test_the_json_has_all_that_is_known(world: World) -> None:
    secured(world)
    world.index.add("library", "1.0.1")
    told: dict[str, Any] = json.loads(waiting(world, "--json"))
    assert told["debian"]["updates"] == [
        {
            "package": "libfoo",
            "locked": "1.0+b1",
            "newest": "1.0+b1+deb13u1",
            "lock": "debian",
            "groups": ["base"],
            "systems": list(SYSTEMS),
        }
    ]
    assert told["python"]["updates"][0]["groups"] == ["pipes"]


def test_indexes_that_are_too_old_are_refused(world: World, apt_config: Path) -> None:
    """Also where the host's apt takes them."""
    with apt_config.open("a") as stream:
        stream.write('Acquire::Check-Valid-Until "false";\nAcquire::Check-Date "false";\n')
    world.security.publish(valid_until="Sat, 03 Jan 2026 00:00:00 UTC")
    for command in (["updates", "debian"], ["lock", "debian", "--security"]):
        said = world.fails(*command)
        assert said.startswith("Debian's package lists cannot be had (")
        assert "is expired" in said
        assert said.endswith("check the network and apt's mirrors, or try again later.")
    assert world.ok("lock", "debian") == "nothing changed in debian\n"


def test_mirrors_and_indexes_that_do_not_answer(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGNIX_DEBIAN_MIRROR", "http://127.0.0.1:9/debian")  # discard(9)
    assert world.fails("updates").startswith("Debian's package lists cannot be had (")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    for command in ("updates", "lock"):
        said = world.fails(command, "python", WITH)
        assert "The Python index does not answer (" in said
        assert said.endswith("check the network and pip's configuration, or try again later.")
