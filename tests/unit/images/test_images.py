import json
from collections.abc import Callable
from pathlib import Path

import pytest

from dagnix import UserError, project
from dagnix.host import podman
from dagnix.images import load
from dagnix.images.layout import REF_NAME, Layout

ID = "c" * 64
NAME = "localhost/dagnix/pipes"
RETAINED = f"{NAME}:dagnix-{ID[:12]}"


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    folder = tmp_path / "layout"
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    manifest = {"config": {"digest": f"sha256:{ID}"}, "layers": [{"digest": "sha256:l"}]}
    (blobs / "m").write_text(json.dumps(manifest))
    entry = {"digest": "sha256:m", "annotations": {REF_NAME: f"{NAME}:9"}}
    (folder / "index.json").write_text(json.dumps({"manifests": [entry]}))
    return Layout(folder)


@pytest.fixture
def calls(
    tmp_path: Path, program: Callable[[str, str], Path], monkeypatch: pytest.MonkeyPatch
) -> Path:
    """The file with podman's calls; the images that it has are in `images` beside it, by name."""
    calls = tmp_path / "calls"
    listed = tmp_path / "images"
    listed.write_text("[]")
    program(
        "podman",
        f"""case "$1 $2" in
"image inspect") cat {listed} ;;
info*) echo /storage ;;
*) echo "$*" >>{calls} ;;
esac
if [ "$1" = tag ] && ! [ -e {tmp_path}/pulled ]; then grep -q "$2" {listed}; exit; fi
if [ "$1" = pull ]; then touch {tmp_path}/pulled; fi
if [ "$1" = pull ] && [ -e {tmp_path}/full ]; then
  echo 'Error: write /storage/x: no space left on device' >&2
  exit 125
fi""",
    )
    monkeypatch.setattr(podman, "settings", dict)
    calls.touch()
    return calls


def test_a_layout_tells_its_name_its_id_and_its_layers(layout: Layout) -> None:
    assert layout.name == "pipes"
    assert layout.image_id == ID
    assert layout.layers == {"sha256:l": layout.folder / "blobs" / "sha256" / "l"}


@pytest.mark.usefixtures("checkout")
def test_loads_and_names_what_podman_lacks(layout: Layout, calls: Path) -> None:
    load.load(project.current(), [layout])
    assert calls.read_text().splitlines() == [
        f"tag {ID} {RETAINED}",
        f"pull --quiet oci:{layout.folder}",
        f"tag {ID} {RETAINED}",
        f"untag {ID} localhost{layout.folder}",
        f"tag {ID} {NAME}:1.2.3",
    ]


@pytest.mark.usefixtures("checkout")
def test_does_nothing_when_podman_has_it(layout: Layout, calls: Path) -> None:
    known = [{"Id": ID, "RepoTags": [f"{NAME}:1.2.3"]}]
    (calls.parent / "images").write_text(json.dumps(known))
    load.load(project.current(), [layout])
    assert calls.read_text() == ""


@pytest.mark.usefixtures("checkout")
def test_only_names_what_podman_has_under_another_name(layout: Layout, calls: Path) -> None:
    (calls.parent / "images").write_text(json.dumps([{"Id": ID, "RepoTags": [f"{NAME}:1"]}]))
    load.load(project.current(), [layout])
    assert calls.read_text() == f"tag {ID} {RETAINED}\ntag {ID} {NAME}:1.2.3\n"


@pytest.mark.usefixtures("checkout")
def test_does_not_look_for_what_was_built_just_now(layout: Layout, calls: Path) -> None:
    (calls.parent / "images").write_text(json.dumps([{"Id": ID}]))
    load.ensure(project.current(), layout)
    assert calls.read_text() == f"tag {ID} {RETAINED}\n"
    load.ensure(project.current(), Layout(layout.folder, new=True))
    assert calls.read_text().splitlines()[1:] == [
        f"pull --quiet oci:{layout.folder}",
        f"tag {ID} {RETAINED}",
        f"untag {ID} localhost{layout.folder}",
    ]


@pytest.mark.usefixtures("checkout")
def test_a_full_disk_is_one_sentence(layout: Layout, calls: Path) -> None:
    (calls.parent / "full").touch()
    with pytest.raises(UserError, match=r"^Podman's storage at /storage is full: make room with"):
        load.load(project.current(), [layout])
