import hashlib
import json
from pathlib import Path
from typing import Any

import oci_layout
import pytest

LAYER = b"a layer"
SPDX = {"name": "pipes", "packages": []}
DIGEST = hashlib.sha256(LAYER).hexdigest()


@pytest.fixture
def image(tmp_path: Path) -> dict[str, Any]:
    tar = tmp_path / "layer.tar"
    tar.write_bytes(LAYER)
    return {
        "image-config": {"User": "10001:10001", "Cmd": ["dagster"]},
        "layers": [
            {
                "digest": f"sha256:{DIGEST}",
                "diff_ids": f"sha256:{DIGEST}",
                "size": len(LAYER),
                "mediatype": "application/vnd.oci.image.layer.v1.tar",
                "layer-path": str(tar),
            },
        ],
    }


def blob(layout: Path, descriptor: dict[str, Any]) -> dict[str, Any]:
    """Read the blob and check that it is what its descriptor says."""
    data = (layout / "blobs" / "sha256" / descriptor["digest"].removeprefix("sha256:")).read_bytes()
    assert f"sha256:{hashlib.sha256(data).hexdigest()}" == descriptor["digest"]
    assert len(data) == descriptor["size"]
    return json.loads(data)


def test_every_descriptor_leads_to_its_blob(image: dict[str, Any], tmp_path: Path) -> None:
    out = tmp_path / "layout"
    oci_layout.write_layout(image, out, "localhost/dagnix/pipes:1", "arm64", SPDX)

    (entry,) = json.loads((out / "index.json").read_text())["manifests"]
    assert entry["annotations"] == {
        "org.opencontainers.image.ref.name": "localhost/dagnix/pipes:1",
    }
    manifest = blob(out, entry)
    assert json.loads(manifest["annotations"]["dagnix.spdx"]) == SPDX
    assert json.loads((out / "pipes.spdx.json").read_text()) == SPDX
    config = blob(out, manifest["config"])
    assert config["architecture"] == "arm64"
    assert config["config"]["Cmd"] == ["dagster"]
    assert config["rootfs"]["diff_ids"] == [f"sha256:{DIGEST}"]
    (layer,) = manifest["layers"]
    link = out / "blobs" / "sha256" / layer["digest"].removeprefix("sha256:")
    assert link.is_symlink()
    assert link.read_bytes() == LAYER


def test_two_layers_with_the_same_content_share_a_blob(
    image: dict[str, Any],
    tmp_path: Path,
) -> None:
    image["layers"] *= 2
    oci_layout.write_layout(image, tmp_path / "layout", "x:1", "amd64", SPDX)
    (entry,) = json.loads((tmp_path / "layout" / "index.json").read_text())["manifests"]
    assert len(blob(tmp_path / "layout", entry)["layers"]) == 2


def test_the_same_image_gives_the_same_bytes(image: dict[str, Any], tmp_path: Path) -> None:
    for name in ("first", "second"):
        oci_layout.write_layout(image, tmp_path / name, "x:1", "amd64", SPDX)
    first, second = ((tmp_path / name / "index.json").read_bytes() for name in ("first", "second"))
    assert first == second
