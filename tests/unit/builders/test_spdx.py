"""The SPDX document of an image."""

import json
from pathlib import Path
from typing import Any

import pytest
import spdx
from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

SHA256 = "0123456789abcdef" * 4
DEB = {"type": "deb", "name": "libstdc++6", "version": "1:14+b1", "architecture": "amd64"}
WHEEL = {"type": "pypi", "name": "dagster", "version": "1.13.27"}
MODULE = {"type": "golang", "name": "github.com/lib/pq", "version": "v1.12.3"}
OWN = {"type": "pypi", "name": "dagster-dagnix", "version": "0"}
PROGRAM = {"type": "golang", "name": "dagnix/gate", "version": ""}
LAYERS = [
    {"distribution": "", "packages": [WHEEL, OWN]},
    {"distribution": "debian-13", "packages": [DEB, MODULE, PROGRAM, MODULE]},
]
LOCKED = {
    "deb": {"libstdc++6": {"version": "1:14+b1", "sha256": SHA256}},
    "pypi": {"dagster": {"version": "1.13.27", "sha256": SHA256}, "unused": {"version": "1"}},
}


@pytest.fixture
def document() -> dict[str, Any]:
    return spdx.document("pipes", LAYERS, LOCKED)


def test_it_is_valid(document: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "pipes.spdx.json"
    file.write_text(json.dumps(document))
    assert validate_full_spdx_document(parse_file(str(file))) == []


def test_it_has_each_package_once_with_its_url(document: dict[str, Any]) -> None:
    urls = sorted(
        reference["referenceLocator"]
        for package in document["packages"]
        for reference in package.get("externalRefs", [])
    )
    assert urls == [
        "pkg:deb/debian/libstdc%2B%2B6@1:14%2Bb1?arch=amd64&distro=debian-13",
        "pkg:golang/dagnix/gate",
        "pkg:golang/github.com/lib/pq@v1.12.3",
        "pkg:pypi/dagster-dagnix@0",
        "pkg:pypi/dagster@1.13.27",
    ]


def test_files_of_locks_have_their_hash(document: dict[str, Any]) -> None:
    hashed = {each["name"] for each in document["packages"] if "checksums" in each}
    assert hashed == {"libstdc++6", "dagster"}


@pytest.mark.parametrize("order", [1, -1])
def test_a_copy_in_another_package_is_listed_and_in_no_lock(order: int) -> None:
    copies = [
        {"type": "pypi", "name": "tomli", "version": "2.0", "bundled": "setuptools/_vendor"},
        {**WHEEL, "bundled": "setuptools/_vendor"},
    ]
    layers = [*LAYERS, {"distribution": "", "packages": copies}][::order]
    made = spdx.document("pipes", layers, LOCKED)["packages"]
    (tomli,) = [each for each in made if each["name"] == "tomli"]
    assert tomli["comment"] == "A copy in setuptools/_vendor."
    assert "checksums" not in tomli
    (dagster,) = [each for each in made if each["name"] == "dagster"]
    assert "checksums" in dagster


def test_other_packages_are_another_document() -> None:
    one, same, other = (
        spdx.document("pipes", layers, LOCKED) for layers in (LAYERS, LAYERS[::-1], LAYERS[:1])
    )
    assert one == same
    assert one["documentNamespace"] != other["documentNamespace"]


@pytest.mark.parametrize("locked", [{}, {"dagster": {"version": "1.13.26", "sha256": SHA256}}])
def test_what_the_lock_does_not_have_is_refused(locked: dict[str, Any]) -> None:
    with pytest.raises(SystemExit, match=r"dagster 1\.13\.27 is in the image, and the lock has"):
        spdx.document("pipes", LAYERS, {**LOCKED, "pypi": locked})
