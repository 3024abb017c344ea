"""The folder of the services' sockets, and the list of code locations in it."""

import json
import subprocess
from pathlib import Path

import pytest
import yaml
from support.stack import ROOT

from dagnix import UserError, code_locations, project
from dagnix.stack import location_service, sockets


@pytest.fixture
def here(checkout: Path) -> project.Project:
    (checkout / "compose.yaml").write_text((ROOT / "compose.yaml").read_text())
    lock = code_locations.lock(checkout, "team")
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.write_text(json.dumps({"folder": "teams/team"}))
    location_service.write(checkout, "team")
    return project.current()


def served(here: project.Project) -> dict[str, str]:
    listed = yaml.safe_load((here.sockets / sockets.WORKSPACE).read_text())["load_from"]
    return {each["grpc_server"]["location_name"]: each["grpc_server"]["socket"] for each in listed}


def test_only_the_owner_enters_and_each_service_can_write(here: project.Project) -> None:
    for _ in range(2):
        sockets.ensure(here)
        assert here.sockets.parent.stat().st_mode & 0o777 == 0o700
        for name in ("pipes", "team", "postgres", "webserver"):
            assert (here.sockets / name).stat().st_mode & 0o777 == 0o777
        here.sockets.parent.chmod(0o755)
        (here.sockets / "pipes").chmod(0o755)


def test_the_list_has_the_code_locations_of_the_compose_files(here: project.Project) -> None:
    sockets.ensure(here)
    team = {name: f"/run/dagnix/{name}/code.sock" for name in ("pipes", "team")}
    assert served(here) == team
    sockets.forget(here, "team")
    assert served(here) == {"pipes": "/run/dagnix/pipes/code.sock"}
    (here.sockets / sockets.WORKSPACE).write_text("rubbish")
    sockets.ensure(here)
    assert served(here) == team
    sockets.remove(here)
    assert not here.sockets.exists()


def test_a_folder_that_cannot_be_made_is_named(here: project.Project) -> None:
    here.sockets.parent.parent.mkdir(parents=True, exist_ok=True)
    here.sockets.parent.write_text("in its place")
    with pytest.raises(UserError, match="DAGNIX_SOCKETS_DIR names another"):
        sockets.ensure(here)


def test_what_stands_where_something_else_belongs_is_set_aside(here: project.Project) -> None:
    sockets.ensure(here)
    folder = here.sockets
    (folder / sockets.WORKSPACE).unlink()
    (folder / sockets.WORKSPACE).mkdir()
    for name, content in (("pipes", "rubbish"), ("postgres", "more")):
        (folder / name).rmdir()
        (folder / name).write_text(content)
    (folder / "webserver").rmdir()
    (folder / "webserver").symlink_to("/nowhere")
    sockets.ensure(here)
    assert set(served(here)) == {"pipes", "team"}
    assert all((folder / name).is_dir() for name in ("pipes", "postgres", "webserver"))
    assert len(list(folder.glob(".*.aside"))) == 4


# As a container does; prints its process, and waits.
MOUNT = """
mount -t tmpfs none /run && mkdir /run/dagnix && mount --bind "$0" /run/dagnix && echo $$ && read _
"""


def test_a_folder_that_was_deleted_is_missed_by_who_has_it(tmp_path: Path) -> None:
    source = tmp_path / "sockets"
    source.mkdir()
    words = ["unshare", "--map-root-user", "--mount", "sh", "-c", MOUNT, source]
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as container:
        assert container.stdout
        pid = int(container.stdout.readline())
        assert not sockets.is_lost(pid)
        source.rmdir()
        assert sockets.is_lost(pid)
        container.communicate("\n")
    assert not sockets.is_lost(pid)
