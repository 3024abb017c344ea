"""The folder of what steps print."""

import json
from pathlib import Path

import pytest
from support.stack import ROOT

from dagnix import UserError, code_locations, project
from dagnix.stack import compute_logs, location_service


@pytest.fixture
def here(checkout: Path) -> project.Project:
    (checkout / "compose.yaml").write_text((ROOT / "compose.yaml").read_text())
    lock = code_locations.lock(checkout, "team")
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.write_text(json.dumps({"folder": "teams/team"}))
    location_service.write(checkout, "team")
    return project.current()


def test_only_the_owner_enters_and_each_location_can_write(here: project.Project) -> None:
    for _ in range(2):
        compute_logs.ensure(here)
        assert here.compute_logs.parent.stat().st_mode & 0o777 == 0o700
        for name in ("", "pipes", "team"):
            assert (here.compute_logs / name).stat().st_mode & 0o777 == 0o777
        here.compute_logs.parent.chmod(0o755)
        (here.compute_logs / "pipes").chmod(0o755)
    (here.compute_logs / "pipes" / "run").mkdir()
    compute_logs.remove(here)
    compute_logs.remove(here)
    assert not here.compute_logs.exists()
    assert here.compute_logs.parent.exists()


def test_a_folder_that_cannot_be_made_is_named(here: project.Project) -> None:
    here.compute_logs.parent.parent.mkdir(parents=True, exist_ok=True)
    here.compute_logs.parent.write_text("in its place")
    with pytest.raises(UserError, match="DAGNIX_COMPUTE_LOGS_DIR names another"):
        compute_logs.ensure(here)
