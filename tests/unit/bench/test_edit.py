from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from bench import edit, many_locations
from dagnix.project import Project

ROOT = Path(__file__).parents[3]


def test_an_edit_is_undone_also_after_a_failure(tmp_path: Path) -> None:
    file = tmp_path / "dagster.yaml"
    file.write_text("a: 1\n")
    edited = fail_within(file)
    with pytest.raises(OSError, match="no"):
        next(edited)
    assert file.read_text() == "a: 1\n"


def fail_within(file: Path) -> Iterator[None]:
    with edit.undone(file) as text:
        edit.comment(file)
        assert file.read_text() != text
        assert yaml.safe_load(file.read_text()) == {"a": 1}
        raise OSError("no")
    yield


@pytest.mark.parametrize(
    ("compose", "listed"),
    [("compose.yaml", "config"), ("bench/containerfile/compose.yaml", "bench/containerfile")],
)
def test_more_locations_are_services_of_the_same_image(
    compose: str, listed: str, tmp_path: Path
) -> None:
    workspace = tmp_path / "workspace.yaml"
    workspace.write_text((ROOT / listed / "workspace.yaml").read_text())
    project = Project(tmp_path, {"COMPOSE_FILE": str(ROOT / compose)})
    variant = SimpleNamespace(project=project, folder=tmp_path, workspace=workspace)
    grown = many_locations.with_locations(variant, 3)

    added = yaml.safe_load(Path(grown.compose_files[-1]).read_text())
    assert set(added["services"]) == {"pipes2", "pipes3"}
    assert set(added["volumes"]) == {"pipes2-data", "pipes3-data"}
    second = added["services"]["pipes2"]
    assert second["image"].startswith("localhost/dagnix/pipes:")
    assert second["environment"]["DAGNIX_LOCATION"] == "pipes2"
    assert "pipes2-data:/var/lib/dagster" in second["volumes"]
    first, *others = yaml.safe_load(workspace.read_text())["load_from"]
    assert first["grpc_server"]["location_name"] == "pipes"
    names = [each["grpc_server"]["location_name"] for each in others]
    # `./dagnix` makes the list of Dagnix's own.
    assert names == ([] if listed == "config" else ["pipes2", "pipes3"])
