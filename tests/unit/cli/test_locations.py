import json
from pathlib import Path

import pytest
import yaml
from support.stack import ROOT

from dagnix import UserError, locations, project
from dagnix.locations import service


def add(root: Path, name: str, folder: str) -> None:
    path = locations.lock(root, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"folder": folder}))


def test_each_lock_is_a_location(checkout: Path) -> None:
    assert locations.names(checkout) == ["pipes"]
    add(checkout, "b", "teams/b")
    add(checkout, "a", "a")
    assert locations.folders(checkout) == {
        "pipes": checkout / "pipes",
        "a": checkout / "a",
        "b": checkout / "teams" / "b",
    }


def test_their_compose_files_make_the_stack(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(checkout, "b", "teams/b")
    names = [Path(file).name for file in project.current().compose_files]
    assert names == ["compose.yaml", "compose.location-b.yaml"]
    monkeypatch.setenv("COMPOSE_FILE", "compose.location-b.yaml:compose.yaml")
    names = project.current().compose_files
    assert names == ["compose.location-b.yaml", "compose.yaml"]


def test_the_service_is_pipes_but_for_its_name(checkout: Path) -> None:
    (checkout / "compose.yaml").write_text((ROOT / "compose.yaml").read_text())
    stack = yaml.safe_load((checkout / "compose.yaml").read_text())
    pipes = stack["services"]["pipes"]
    text = service.write(checkout, "marketing").read_text()
    assert "&" not in text
    written = yaml.safe_load(text)
    assert written["volumes"] == {"marketing-data": {}}
    found = written["services"]["marketing"]
    assert found["image"] == pipes["image"].replace("/pipes:", "/marketing:")
    assert found["environment"].items() - pipes["environment"].items() == {
        ("DAGSTER_PIPES_HOST", "marketing"),
        ("DAGNIX_LOCATION", "marketing"),
    }
    assert found["volumes"][0] == "marketing-data:/var/lib/dagster"
    assert found["volumes"][1:-1] == pipes["volumes"][1:-1]
    own = pipes["volumes"][-1]
    assert found["volumes"][-1] == {
        **own,
        "source": own["source"].replace("/locations/pipes", "/locations/marketing"),
    }
    for key in pipes.keys() - {"image", "environment", "volumes"}:
        assert found[key] == pipes[key]


def test_a_stack_without_pipes_gives_no_pattern(checkout: Path) -> None:
    with pytest.raises(UserError, match=r"compose\.yaml has no service pipes"):
        service.write(checkout, "marketing")


def test_its_files_are_backed_up(checkout: Path) -> None:
    (checkout / "compose.yaml").write_text((ROOT / "compose.yaml").read_text())
    written = yaml.safe_load(service.write(checkout, "b").read_text())
    own = written["services"]["backup"]
    assert own == {"volumes": ["b-data:/var/lib/dagnix/files/b-data"]}
    known = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["backup"]
    assert "pipes-data:/var/lib/dagnix/files/pipes-data" in known["volumes"]
