"""An image as Nix builds it."""

import json
from pathlib import Path
from typing import Any

REF_NAME = "org.opencontainers.image.ref.name"

VERSION_LABEL = "org.opencontainers.image.version"


class Layout:
    """An OCI image layout: a folder with index.json and blobs; `new` if it was built just now."""

    def __init__(self, folder: Path, *, new: bool = False) -> None:
        self.folder, self.new = folder, new
        (self.manifest,) = json.loads((folder / "index.json").read_text())["manifests"]

    @property
    def name(self) -> str:
        """The image's name without host and tag, which is also the service's in compose.yaml."""
        return self.manifest["annotations"][REF_NAME].rpartition(":")[0].rpartition("/")[2]

    @property
    def digest(self) -> str:
        """The image's digest, sha256:…: that of its manifest, by which a registry knows it."""
        return self.manifest["digest"]

    def blob(self, digest: str) -> Path:
        """Return the file with this digest, such as sha256:…."""
        algorithm, _, digits = digest.partition(":")
        return self.folder / "blobs" / algorithm / digits

    @property
    def _contents(self) -> dict[str, Any]:
        return json.loads(self.blob(self.digest).read_text())

    @property
    def image_id(self) -> str:
        """The digest of the config, by which podman knows the image; hexadecimal."""
        return self._contents["config"]["digest"].partition(":")[2]

    @property
    def version(self) -> str:
        """The version on its label: Dagster's, PostgreSQL's, or the code's."""
        config = json.loads(self.blob(self._contents["config"]["digest"]).read_text())
        return config["config"]["Labels"][VERSION_LABEL]

    @property
    def layers(self) -> dict[str, Path]:
        """The layers' digests and tars, bottom up."""
        return {layer["digest"]: self.blob(layer["digest"]) for layer in self._contents["layers"]}
