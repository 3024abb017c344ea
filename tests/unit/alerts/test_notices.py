"""What the host tells the service that sends alerts."""

import json
import re
from pathlib import Path

import pytest
from support.stack import ROOT

from dagnix import UserError, project
from dagnix.alerts import notices

KINDS = (ROOT / "src/entrypoint/internal/alerts/alert.go").read_text()
READER = (ROOT / "src/entrypoint/internal/alerts/notices.go").read_text()


@pytest.fixture
def here(checkout: Path) -> project.Project:  # noqa: ARG001 - it sets the environment
    made = project.current()
    made.sockets.mkdir(parents=True)
    return made


def written(here: project.Project) -> dict[str, dict[str, str]]:
    folder = here.sockets / notices.FOLDER
    return {each.name: json.loads(each.read_text()) for each in folder.glob("*.json")}


def test_refused_code_is_wrong_until_code_is_served(here: project.Project) -> None:
    says = "The code does not load: ValueError\nThe last lines of the log:"
    with pytest.raises(UserError), notices.of_deploy(here, "pipes"):
        raise UserError(says)
    (told,) = written(here).values()
    assert told["title"] == "New code of pipes was refused"
    assert told["text"] == "The code does not load: ValueError What was served before goes on."
    # The names that the service reads.
    fields = re.search(r"struct\{ ([\w, ]+) string \}", READER)
    assert fields
    assert set(fields[1].lower().split(", ")) == told.keys()
    with notices.of_deploy(here, "pipes"):
        assert written(here)
    assert written(here) == {}


def test_the_service_knows_the_kinds() -> None:
    known = set(re.findall(r'Kind\w+ += "(\w+)"', KINDS))
    assert {notices.DEPLOY, notices.UPDATES} <= known


def test_security_updates_wait_until_none_does(here: project.Project) -> None:
    notices.of_updates(here, {"libc6", "bash"})
    (told,) = written(here).values()
    assert told["title"] == "2 packages have a security update"
    assert told["text"] == "bash, libc6. `./dagnix lock --security` locks them."
    notices.of_updates(here, ())
    assert written(here) == {}


def test_another_notice_of_the_same_thing_takes_its_place(here: project.Project) -> None:
    for title in ("3 updates wait", "4 updates wait"):
        notices.put(here, notices.Notice(notices.UPDATES, "security", title, "No update waits"))
    (told,) = written(here).values()
    assert told["title"] == "4 updates wait"
    notices.clear(here, notices.UPDATES, "security")
    notices.clear(here, notices.UPDATES, "security")
    assert written(here) == {}


def test_without_an_instance_nobody_is_told(here: project.Project) -> None:
    here.sockets.rmdir()
    notices.put(here, notices.Notice(notices.UPDATES, "security", "3 updates wait", ""))
    notices.clear(here, notices.UPDATES, "security")
    assert not here.sockets.exists()
