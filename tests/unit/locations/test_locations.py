import json
from pathlib import Path

import pytest
import yaml
from podman_compose import rec_subs
from support.stack import ROOT

from dagnix import UserError, code_locations, project
from dagnix.checkout import Checkout
from dagnix.locations import add as addition
from dagnix.locations import remove
from dagnix.locks.solve import debian
from dagnix.stack import location_service


def add(root: Path, name: str, folder: str) -> None:
    path = code_locations.lock(root, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"folder": folder}))


def test_each_lock_is_a_location(checkout: Path) -> None:
    assert code_locations.names(checkout) == ["pipes"]
    add(checkout, "b", "teams/b")
    add(checkout, "a", "a")
    assert code_locations.folders(checkout) == {
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
    text = location_service.write(checkout, "marketing").read_text()
    assert "&" not in text
    written = yaml.safe_load(text)
    assert written["volumes"] == {"marketing-data": {}}
    assert written["secrets"]["marketing-storage-password"]["file"] == (
        "${DAGNIX_SECRETS_DIR:-./.dagnix/secrets}/storage/marketing"
    )
    found = written["services"]["marketing"]
    assert found["image"] == pipes["image"].replace("/pipes:", "/marketing:")
    # The password of its own role in Postgres, and not that of the role of pipes.
    assert found["secrets"] == [
        {"source": "marketing-storage-password", "target": "storage-password"}
    ]
    assert found["environment"]["DAGNIX_LOCATION"] == "marketing"
    assert found["environment"]["STORAGE_PG_USER"] == "storage_marketing"
    assert found["environment"]["DAGSTER_PG_USER"] == "dagster_marketing"
    assert found["environment"]["DAGSTER_PG_PASSWORD_FILE"] == "/run/secrets/storage-password"
    assert code_locations.role("big-shop") == "storage_big_shop"
    assert found["environment"].keys() >= pipes["environment"].keys()
    different = [
        (after["source"], after["target"]) if isinstance(after, dict) else after
        for before, after in zip(pipes["volumes"], found["volumes"], strict=True)
        if before != after
    ]
    sockets = "${DAGNIX_SOCKETS_DIR:-./.dagnix/sockets}/${COMPOSE_PROJECT_NAME}/marketing"
    secrets = "${DAGNIX_SECRETS_DIR:-./.dagnix/secrets}/locations/marketing"
    logs = "${DAGNIX_COMPUTE_LOGS_DIR:-./.dagnix/compute_logs}/${COMPOSE_PROJECT_NAME}/marketing"
    assert different == [
        "marketing-data:/var/lib/dagster",
        (logs, "/var/lib/dagster/compute_logs/marketing"),
        (sockets, "/run/dagnix/marketing"),
        (secrets, "/run/secrets/location"),
    ]
    for key in pipes.keys() - {"image", "environment", "volumes", "secrets"}:
        assert found[key] == pipes[key]


OUTSIDE = {"DAGSTER_PG_HOST": "db.example.org", "DAGSTER_PG_PORT": "5433", "PGSSLMODE": "require"}


@pytest.mark.parametrize(
    ("given", "host", "port", "mode"),
    [
        ({}, "/run/dagnix/postgres", "5432", "prefer"),
        (OUTSIDE, "db.example.org", "5433", "require"),
    ],
)
def test_it_has_the_database_that_pipes_has(
    checkout: Path, given: dict[str, str], host: str, port: str, mode: str
) -> None:
    (checkout / "compose.yaml").write_text((ROOT / "compose.yaml").read_text())
    location_service.write(checkout, "marketing")
    found = yaml.safe_load((checkout / "compose.location-marketing.yaml").read_text())
    variables = rec_subs(found["services"]["marketing"]["environment"], given)
    for role in ("DAGSTER", "STORAGE"):
        assert variables[f"{role}_PG_HOST"] == host
        assert variables[f"{role}_PG_PORT"] == port
        assert variables[f"{role}_PG_DB"] == "dagster"
    assert variables["DAGSTER_PG_USER"] == "dagster_marketing"
    assert variables["STORAGE_PG_USER"] == "storage_marketing"
    assert variables["PGSSLMODE"] == mode


def test_a_service_from_before_its_runs_had_a_role_is_named(checkout: Path) -> None:
    (checkout / "compose.yaml").write_text((ROOT / "compose.yaml").read_text())
    for name in ("new", "old"):
        add(checkout, name, name)
        path = location_service.write(checkout, name)
    assert not list(location_service.warnings(checkout))
    path.write_text(path.read_text().replace("dagster_old", "${DAGSTER_PG_USER:-dagster}"))
    (said,) = location_service.warnings(checkout)
    assert said.startswith("compose.location-old.yaml is older")


def test_a_stack_without_pipes_gives_no_pattern(checkout: Path) -> None:
    with pytest.raises(UserError, match=r"compose\.yaml has no service pipes"):
        location_service.write(checkout, "marketing")


def test_what_is_locked_for_a_location_alone_goes_with_it(checkout: Path) -> None:
    here = Checkout(checkout, checkout)
    pythons = [here.lock(debian.lock_of(version)) for version in ("3.11", "3.12")]
    for path in pythons:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")
    for name, python in (("a", "3.11"), ("b", "3.11"), ("c", "3.13")):
        add(checkout, name, name)
        lock = code_locations.lock(checkout, name)
        lock.write_text(json.dumps({**json.loads(lock.read_text()), "python": python}))
    # One whose lock cannot be read may have any.
    broken = code_locations.lock(checkout, "d")
    broken.write_text("<<<<<<<")
    assert debian.drop_pythons(here) == []
    broken.unlink()
    assert debian.drop_pythons(here) == ["Python 3.12 removed: no location has it"]
    groups = {"base": ["x"], "a": ["x", "y", "z"], "b": ["z"]}
    packages = {package: {"version": "1"} for package in "xyz"}
    pythons[0].write_text(
        json.dumps({"groups": {"one": groups}, "packages": {"one": packages}, "snapshot": "1"})
    )
    remove.unregister(project.current(), "a")
    assert json.loads(pythons[0].read_text()) == {
        "groups": {"one": {"base": ["x"], "b": ["z"]}},
        "packages": {"one": {"x": {"version": "1"}, "z": {"version": "1"}}},
        "snapshot": "1",
    }
    remove.unregister(project.current(), "b")
    assert not pythons[0].parent.exists()


def test_its_files_are_backed_up(checkout: Path) -> None:
    (checkout / "compose.yaml").write_text((ROOT / "compose.yaml").read_text())
    written = yaml.safe_load(location_service.write(checkout, "b").read_text())
    own = written["services"]["backup"]
    assert own == {"volumes": ["b-data:/var/lib/dagnix/files/b-data"]}
    known = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["backup"]
    assert "pipes-data:/var/lib/dagnix/files/pipes-data" in known["volumes"]


@pytest.mark.parametrize(
    ("name", "folder", "says"),
    [
        ("Second", "pipes", "cannot be the name of a code location"),
        ("postgres", "pipes", "is the name of something else here"),
        ("base", "pipes", "is the name of something else here"),  # a group of Debian packages
        ("marketing", "pipes", "There is a code location marketing already"),
        ("third", "third", "There is no folder"),
        ("third", "empty", "is no Dagster project"),
        ("third", "pipes", "is the code location pipes already"),
    ],
)
def test_what_cannot_be_added_is_refused_and_changes_nothing(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, name: str, folder: str, says: str
) -> None:
    monkeypatch.delenv("DAGNIX_SOURCE", raising=False)
    (checkout / "nix").mkdir()
    (checkout / "nix/debian.toml").write_bytes((ROOT / "nix/debian.toml").read_bytes())
    (checkout / "empty").mkdir()
    (checkout / "pipes").mkdir()
    (checkout / "pipes/pyproject.toml").write_text("[tool.dagster]\nmodule_name = 'a'\n")
    add(checkout, "marketing", "teams/marketing")

    def files() -> set[Path]:
        return {path for path in checkout.rglob("*") if ".dagnix" not in path.parts}

    before = files()
    with pytest.raises(UserError, match=says):
        addition.add(project.current(), name, checkout / folder, 1)
    assert files() == before
