"""Write the SPDX document of an image from the packages in its layers and the locks.

The document is that of https://spdx.github.io/spdx-spec/v2.3/, with no host, path or time of the
build: the same packages give the same bytes. A package has the SHA-256 of the locked file that it
comes from. One that no lock has, or in another version, is refused, but for Dagnix's own
and for copies that another package brings.
"""

import argparse
import hashlib
import json
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

CREATED = "1970-01-01T00:00:01Z"
NAMESPACE = "https://github.com/dagnix/dagnix/spdx"
UNKNOWN = "NOASSERTION"
OWN = {"dagster-dagnix"}
LOCKED = {"deb", "pypi"}  # types of packages whose files are in locks; Go's modules are vendored
IMAGE = "SPDXRef-image"

Package = Mapping[str, str]
Locked = Mapping[str, Mapping[str, Mapping[str, Any]]]  # type → name → entry of a lock


def document(name: str, layers: Iterable[Mapping[str, Any]], locked: Locked) -> dict[str, Any]:
    """Return the document of the image `name`, whose layers are as packages.py lists them."""
    lists = list(layers)
    distribution = next((each["distribution"] for each in lists if each["distribution"]), "")
    packages: dict[str, dict[str, Any]] = {}
    for package in (package for each in lists for package in each["packages"]):
        described = _described(package, distribution, locked)
        # The same package may also be a copy in another one, which no lock has.
        if "bundled" not in package or described["SPDXID"] not in packages:
            packages[described["SPDXID"]] = described
    image = {
        "SPDXID": IMAGE,
        "name": name,
        "downloadLocation": UNKNOWN,
        "filesAnalyzed": False,
        "primaryPackagePurpose": "CONTAINER",
    }
    listed = [image, *(packages[key] for key in sorted(packages))]
    digest = hashlib.sha256(json.dumps(listed, sort_keys=True).encode()).hexdigest()
    return {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": name,
        "documentNamespace": f"{NAMESPACE}/{name}-{digest}",
        "creationInfo": {"created": CREATED, "creators": ["Tool: dagnix"]},
        "packages": listed,
        "relationships": [
            _relationship("SPDXRef-DOCUMENT", "DESCRIBES", IMAGE),
            *(_relationship(IMAGE, "CONTAINS", key) for key in sorted(packages)),
        ],
    }


def _described(package: Package, distribution: str, locked: Locked) -> dict[str, Any]:
    kind, name, version = package["type"], package["name"], package["version"]
    described = {
        "SPDXID": re.sub(r"[^A-Za-z0-9.-]", "-", f"SPDXRef-{kind}-{name}-{version}"),
        "name": name,
        "downloadLocation": UNKNOWN,
        "filesAnalyzed": False,
        "externalRefs": [
            {
                "referenceCategory": "PACKAGE-MANAGER",
                "referenceType": "purl",
                "referenceLocator": purl(package, distribution),
            }
        ],
    }
    if version:
        described["versionInfo"] = version
    if bundled := package.get("bundled"):
        described["comment"] = f"A copy in {bundled}."
    elif kind in LOCKED and name not in OWN:
        entry = locked[kind].get(name, {})
        if entry.get("version") != version:
            sys.exit(f"{name} {version} is in the image, and the lock has {entry.get('version')}")
        checksum = {"algorithm": "SHA256", "checksumValue": entry["sha256"]}
        described["checksums"] = [checksum]
    return described


def purl(package: Package, distribution: str) -> str:
    """Return the package URL: https://github.com/package-url/purl-spec."""
    kind, name = package["type"], quote(package["name"], safe="/")
    path = f"debian/{name}" if kind == "deb" else name
    version = f"@{quote(package['version'], safe=':~')}" if package["version"] else ""
    qualifiers = ""
    if kind == "deb":
        distro = f"&distro={distribution}" if distribution else ""
        qualifiers = f"?arch={package['architecture']}{distro}"
    return f"pkg:{kind}/{path}{version}{qualifiers}"


def _relationship(element: str, kind: str, related: str) -> dict[str, str]:
    return {"spdxElementId": element, "relationshipType": kind, "relatedSpdxElement": related}


def main() -> None:
    """Read the command line and write the document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", help="of the image")
    parser.add_argument("locked", type=Path, help="JSON: the entries of locks, by type and name")
    parser.add_argument("out", type=Path)
    parser.add_argument("layers", nargs="*", type=Path, help="as packages.py writes them")
    arguments = parser.parse_args()
    layers = [json.loads(path.read_text()) for path in arguments.layers]
    made = document(arguments.name, layers, json.loads(arguments.locked.read_text()))
    arguments.out.write_text(json.dumps(made, indent=1) + "\n")


if __name__ == "__main__":
    main()
