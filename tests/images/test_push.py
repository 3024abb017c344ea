"""`./dagnix push` to Debian's docker-registry on loopback."""

import json
from pathlib import Path

import pytest
import requests
from support.command import run
from support.markdown import Page
from support.stack import ROOT

from bench.registry import Registry
from dagnix import project
from dagnix.images.layout import Layout

PAGE = Page(Path("docs/howto/registry.md"))
PUSH = "./dagnix push registry.example.org/team"


@pytest.mark.usefixtures("layouts")
@PAGE.run_by(PUSH)
def test_a_registry_gets_each_layer_once_as_it_is_in_the_store(
    layouts: dict[str, Layout],
) -> None:
    with Registry(project.current()) as registry:
        team = f"{registry.address}/team"
        typed = PAGE.typed(PUSH, {"registry.example.org/team": team}).split()
        printed = run([ROOT / typed[0], *typed[1:]]).stdout.splitlines()
        expected = [f"{team}/{name}@{layout.digest}" for name, layout in layouts.items()]
        assert sorted(printed) == sorted(expected)

        for name, layout in layouts.items():
            url = f"http://{registry.address}/v2/team/{name}/manifests/{layout.digest}"
            accept = {"Accept": "application/vnd.oci.image.manifest.v1+json"}
            answer = requests.get(url, headers=accept, timeout=60)
            assert answer.content == layout.blob(layout.digest).read_bytes()

        blobs = {blob for layout in layouts.values() for blob in everything(layout)}
        size = sum(blob.stat().st_size for blob in blobs)
        assert registry.size() == size
        # Of the next version of the code only what is new is sent.
        run([ROOT / typed[0], *typed[1:], "pipes", "gate"])
        assert registry.size() == size


def everything(layout: Layout) -> set[Path]:
    """The files with an image's layers, its configuration and its manifest."""
    manifest = layout.blob(layout.digest)
    config = json.loads(manifest.read_text())["config"]["digest"]
    found = [manifest, layout.blob(config), *layout.layers.values()]
    return {path.resolve() for path in found}
