"""Write an OCI image layout whose layer blobs are links, from nix2container's image.json.

The layout is that of https://github.com/opencontainers/image-spec/blob/main/image-layout.md.
nix2container takes the architecture from the machine it runs on and knows no creation time and
no history; they are set here. Beside the layout's own files lies NAME.spdx.json, the image's SPDX
document; the manifest has it as an annotation as well, so that it goes where the image goes.
"""

import argparse
import hashlib
import json
from pathlib import Path
from typing import Any

CREATED = "1970-01-01T00:00:01Z"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
# podman names an archive's image after it.
SPDX_ANNOTATION = "dagnix.spdx"
REFERENCE_ANNOTATION = "org.opencontainers.image.ref.name"


def write_layout(
    image: dict[str, Any], out: Path, reference: str, architecture: str, spdx: dict[str, Any]
) -> None:
    """Write the layout of ``image`` (nix2container's description) into the new folder ``out``.

    ``spdx`` is its SPDX document.
    """
    blobs = out / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    for layer in image["layers"]:
        blob = blobs / layer["digest"].removeprefix("sha256:")
        if not blob.is_symlink():  # two layers may have the same content
            blob.symlink_to(layer["layer-path"])
    config = {
        "created": CREATED,
        "architecture": architecture,
        "os": "linux",
        "config": image["image-config"],
        "rootfs": {"type": "layers", "diff_ids": [layer["diff_ids"] for layer in image["layers"]]},
        "history": [{"created": CREATED, "created_by": "dagnix"} for _ in image["layers"]],
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {"mediaType": CONFIG, **write_blob(blobs, config)},
        "layers": [
            {"mediaType": layer["mediatype"], "digest": layer["digest"], "size": layer["size"]}
            for layer in image["layers"]
        ],
        "annotations": {SPDX_ANNOTATION: json.dumps(spdx, separators=(",", ":"))},
    }
    index = {
        "schemaVersion": 2,
        "mediaType": INDEX,
        "manifests": [
            {
                "mediaType": MANIFEST,
                **write_blob(blobs, manifest),
                "annotations": {REFERENCE_ANNOTATION: reference},
            },
        ],
    }
    (out / f"{spdx['name']}.spdx.json").write_text(json.dumps(spdx, indent=1) + "\n")
    (out / "index.json").write_text(json.dumps(index))
    (out / "oci-layout").write_text(json.dumps({"imageLayoutVersion": "1.0.0"}))


def write_blob(blobs: Path, value: dict[str, Any]) -> dict[str, Any]:
    """Store ``value`` as JSON and return its descriptor: digest, and size in bytes."""
    data = json.dumps(value, separators=(",", ":"), sort_keys=True).encode()
    digest = hashlib.sha256(data).hexdigest()
    (blobs / digest).write_bytes(data)
    return {"digest": f"sha256:{digest}", "size": len(data)}


def main() -> None:
    """Read the command line and write the layout."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("image", type=Path, help="nix2container's image.json")
    parser.add_argument("out", type=Path)
    parser.add_argument("--reference", required=True, help="the image's full name with its tag")
    parser.add_argument("--architecture", required=True, help="OCI's word: amd64, arm64")
    parser.add_argument("--spdx", type=Path, required=True, help="the image's SPDX document")
    arguments = parser.parse_args()
    image = json.loads(arguments.image.read_text())
    spdx = json.loads(arguments.spdx.read_text())
    write_layout(image, arguments.out, arguments.reference, arguments.architecture, spdx)


if __name__ == "__main__":
    main()
