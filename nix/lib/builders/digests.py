"""Write what nix/digests.json holds for one system, from OCI layouts and layers."""

import argparse
import json
from pathlib import Path
from typing import Any


def digests(built: dict[str, Any]) -> dict[str, Any]:
    """Return the digest of each image, and in place of a group of layers those of its layers.

    ``built`` names the path of each image's OCI layout, or a group of layers by their names.
    """
    return {
        name: of_image(Path(it)) if isinstance(it, str) else of_layers(it)
        for name, it in built.items()
    }


def of_image(layout: Path) -> str:
    """Return the digest of the manifest, by which a registry knows the image."""
    (manifest,) = json.loads((layout / "index.json").read_text())["manifests"]
    return manifest["digest"]


def of_layers(layers: dict[str, str]) -> dict[str, str]:
    """Return the digests of layers by their names, from nix2container's descriptions."""
    found = {}
    for name, layer in layers.items():
        (description,) = json.loads((Path(layer) / "layer.json").read_text())
        found[name] = description["digest"]
    return found


def main() -> None:
    """Read the command line and write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("built", type=json.loads, help="JSON: paths by names")
    arguments = parser.parse_args()
    text = json.dumps(digests(arguments.built), indent=1, sort_keys=True)
    arguments.out.write_text(text + "\n")


if __name__ == "__main__":
    main()
