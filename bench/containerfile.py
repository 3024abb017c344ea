"""The usual way to put code into an image: a Containerfile and `podman build`."""

import hashlib
import json
from pathlib import Path
from typing import Any

from dagnix.host.podman import podman
from dagnix.images import load, tags
from dagnix.images.layout import Layout
from dagnix.process import run
from dagnix.project import Project

CODE_LAYERS = 2  # nix/lib/oci.nix
# As in Dagnix's layers: the code and its .pyc files. The code is the user's of the image: another
# user for the last step would be two more steps.
COMPILED = """\
FROM {base}
COPY --chown=10001:10001 . /opt/dagster/pipes
RUN ["python", "-S", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", \
"/opt/dagster/pipes"]
"""
# The code alone, which Python then compiles anew in every process.
PLAIN = """\
FROM {base}
COPY . /opt/dagster/pipes
"""


def base(project: Project, layout: Layout, folder: Path, name: str) -> None:
    """Give podman an image without its last layers, the code, under a name. `folder` is empty."""
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    manifest = json.loads(layout.blob(layout.manifest["digest"]).read_text())
    config = json.loads(layout.blob(manifest["config"]["digest"]).read_text())
    for each in (manifest["layers"], config["rootfs"]["diff_ids"], config["history"]):
        del each[-CODE_LAYERS:]
    for layer in manifest["layers"]:
        blob = layout.blob(layer["digest"])
        (blobs / blob.name).symlink_to(blob.resolve())
    manifest["config"] |= _blob(blobs, config)
    index = {"schemaVersion": 2, "manifests": [layout.manifest | _blob(blobs, manifest)]}
    (folder / "index.json").write_text(json.dumps(index))
    (folder / "oci-layout").write_text(json.dumps({"imageLayoutVersion": "1.0.0"}))
    # Podman names an image after its folder, and takes few characters for that.
    stored = run(["nix-store", "--add", folder], "Nix does not store a layout").output.strip()
    tags.tag(project, load.ensure(project, Layout(Path(stored))), name)


def _blob(blobs: Path, value: dict[str, Any]) -> dict[str, Any]:
    data = json.dumps(value).encode()
    digest = hashlib.sha256(data).hexdigest()
    (blobs / digest).write_bytes(data)
    return {"digest": f"sha256:{digest}", "size": len(data)}


def build(project: Project, containerfile: Path, code: Path, name: str) -> None:
    """Build an image with the code in a folder, and give it a name.

    The file `.containerignore` beside the Containerfile says what is not for the image.
    """
    words = ["build", "--quiet", f"--file={containerfile}", f"--tag={name}"]
    words += [f"--ignorefile={containerfile.with_name('.containerignore')}", str(code)]
    podman(project, *words, failure="podman build fails")


def layout(project: Project, name: str, folder: Path) -> Layout:
    """Write an image of podman's to a folder that does not exist yet."""
    words = ["save", "--quiet", "--format", "oci-dir", "--output", str(folder), name]
    podman(project, *words, failure=f"Podman does not write {name}")
    return Layout(folder)
