"""What the webserver is told of the code that is served."""

import json
import os
from pathlib import Path

from dagnix import project
from dagnix.deploy import history
from dagnix.deploy.published import publish, read
from dagnix.stack import lease
from dagnix.stack.containers import Container


def container(service: str, image: str) -> Container:
    return Container(
        {
            "Name": f"dagnix_{service}_1",
            "Config": {"Labels": {"com.docker.compose.service": service}},
            "State": {"Status": "running", "StartedAt": "2026-11-28T14:00:00.123456789Z"},
            "Image": image,
            "ImageDigest": "sha256:of-the-container",
        }
    )


def test_a_location_that_was_deployed_is_told_with_its_commit(checkout: Path) -> None:
    here = project.current()
    here.sockets.mkdir(parents=True)
    entry = history.Entry("2026-11-28T15:00:00+00:00", "deploy", "abc", "sha256:d", "12ab", False)
    line = json.dumps(entry.__dict__)
    (lease.folder(here) / "pipes.jsonl").write_text(line + "\n")
    publish(here, [container("pipes", "abc")])
    publish(here, [container("other", "def")])
    assert read(here) == {
        "pipes": {"digest": "sha256:d", "revision": "12ab", "timestamp": 1795878000.0},
        "other": {"digest": "sha256:of-the-container", "revision": "", "timestamp": 1795874400.0},
    }
    file = here.sockets / "deployed.json"
    assert file.stat().st_mode & 0o777 == 0o644  # the webserver is another user
    assert checkout in file.parents


def test_a_file_that_is_broken_is_made_again(checkout: Path) -> None:
    here = project.current()
    here.sockets.mkdir(parents=True)
    for text in ("{", "[]"):
        (here.sockets / "deployed.json").write_text(text)
        publish(here, [container("pipes", "abc")])
        assert list(read(here)) == ["pipes"]
    assert os.listdir(here.sockets) == ["deployed.json"]  # noqa: PTH208
    assert checkout.is_dir()
