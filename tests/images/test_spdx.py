"""The SPDX document of each image: it has what is in the image, and what is locked for it."""

import json
import re
import subprocess
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document
from support import debian
from support.command import run
from support.layers import Contents, manifest
from support.markdown import Page
from support.stack import ROOT, SERVICES

from dagnix.images.layout import Layout

PAGE = Page(Path("docs/howto/updates.md"))
COMMANDS = ("nix build .#pipes-oci", "cat result/pipes.spdx.json")
ANNOTATION = "dagnix.spdx"
STATUS = PurePosixPath("/var/lib/dpkg/status.d")
BINARIES = PurePosixPath("/opt/dagster/bin")
FIELDS = re.compile(r"^(?:Package|Version): (.*)$", re.MULTILINE)
DEPENDENCY = re.compile(r"^\tdep\t(\S+)\t(\S+)", re.MULTILINE)
OWN_MODULE = re.compile(r"^\tmod\t(\S+)\t\(devel\)", re.MULTILINE)


def document(layout: Layout) -> dict[str, Any]:
    return json.loads((layout.folder / f"{layout.name}.spdx.json").read_text())


def listed(layout: Layout, kind: str) -> set[tuple[str, str]]:
    """Return name and version of the packages of a kind in an image's document."""
    return {
        (package["name"], package.get("versionInfo", ""))
        for package in document(layout)["packages"]
        for reference in package.get("externalRefs", [])
        if reference["referenceLocator"].startswith(f"pkg:{kind}/")
    }


@PAGE.run_by(*COMMANDS)
def test_what_the_page_says(tmp_path: Path) -> None:
    result = str(tmp_path / "result")
    build, show = (PAGE.typed(command, {"result/": f"{result}/"}) for command in COMMANDS)
    told = run(["sh", "-euc", f"{build} --out-link {result}\n{show}"], cwd=ROOT).stdout
    assert json.loads(told)["spdxVersion"] == "SPDX-2.3"


@pytest.mark.parametrize("service", SERVICES)
def test_it_is_valid_and_goes_with_the_image(layouts: dict[str, Layout], service: str) -> None:
    layout = layouts[service]
    file = layout.folder / f"{service}.spdx.json"
    assert validate_full_spdx_document(parse_file(str(file))) == []
    assert json.loads(manifest(layout)["annotations"][ANNOTATION]) == document(layout)


@pytest.mark.parametrize("service", SERVICES)
def test_it_has_the_debian_packages_of_the_image_and_of_the_lock(
    layouts: dict[str, Layout], files: dict[str, Contents], service: str
) -> None:
    found = {
        tuple(FIELDS.findall(files[service].read(path).decode()))
        for path, entry in files[service]
        if path.parent == STATUS and entry.isreg() and path.suffix != ".md5sums"
    }
    told = listed(layouts[service], "deb")
    assert told == found
    assert told == set(debian.locked(service).items())


@pytest.mark.parametrize("service", SERVICES)
def test_it_has_the_python_packages_of_the_image_and_of_the_lock(
    layouts: dict[str, Layout], files: dict[str, Contents], service: str
) -> None:
    folders = {
        path for path, entry in files[service] if path.suffix == ".dist-info" and entry.isdir()
    }
    found = {tuple(path.stem.rsplit("-", 1)) for path in folders}
    told = listed(layouts[service], "pypi")
    assert {(name.replace("-", "_").lower(), version) for name, version in told} == {
        (re.sub(r"[-_.]+", "_", name).lower(), version) for name, version in found
    }
    lock = json.loads((ROOT / "nix/locks/python.json").read_text())
    entries = lock["packages"][debian.SYSTEM]
    names = lock["groups"][debian.SYSTEM].get(service, [])
    own = {name for name in told if name[0] == "dagster-dagnix"}
    assert told - own == {(name, entries[name]["version"]) for name in names}
    assert bool(own) == bool(names)


@pytest.mark.parametrize("service", SERVICES)
def test_it_has_the_go_modules_of_the_image(
    layouts: dict[str, Layout], files: dict[str, Contents], service: str, tmp_path: Path
) -> None:
    """By the word of Go itself."""
    run(["nix", "build", f"{ROOT}#go", "--out-link", tmp_path / "go"])
    (go,) = (tmp_path / "go").resolve().rglob("bin/go")
    expected = set()
    for path, entry in files[service]:
        if path.parent == BINARIES and entry.isreg():
            program = tmp_path / path.name
            program.write_bytes(files[service].read(path))
            program.chmod(0o555)
            told = subprocess.run(
                [go, "version", "-m", program], check=True, capture_output=True, text=True
            ).stdout
            expected |= {("stdlib", version) for version in re.findall(r": go(\S+)", told)}
            expected |= set(DEPENDENCY.findall(told))
            expected |= {(name, "") for name in OWN_MODULE.findall(told)}
    assert listed(layouts[service], "golang") == expected
    assert expected
