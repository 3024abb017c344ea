"""The folder of an instance's sockets, of which all is derived."""

import json
import subprocess
from pathlib import Path

import pytest

from dagnix import project, sockets


@pytest.fixture
def folder(checkout: Path) -> Path:
    assert checkout.is_dir()
    here = project.current()
    sockets.ensure(here)
    return here.sockets


def listed(folder: Path) -> list[str]:
    content = json.loads((folder / sockets.WORKSPACE).read_text())
    return [each["grpc_server"]["location_name"] for each in content["load_from"]]


def test_rubbish_in_the_place_of_the_list_of_locations_is_replaced(folder: Path) -> None:
    for rubbish in (b"\xff: [", b"", b"load_from: []\n"):
        (folder / sockets.WORKSPACE).write_bytes(rubbish)
        sockets.ensure(project.current())
        assert listed(folder) == ["pipes"]


def test_what_stands_where_something_else_belongs_is_set_aside(folder: Path) -> None:
    (folder / sockets.WORKSPACE).unlink()
    (folder / sockets.WORKSPACE).mkdir()
    for name, content in (("pipes", "rubbish"), ("postgres", "more")):
        (folder / name).rmdir()
        (folder / name).write_text(content)
    (folder / "webserver").rmdir()
    (folder / "webserver").symlink_to("/nowhere")
    sockets.ensure(project.current())
    assert listed(folder) == ["pipes"]
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
