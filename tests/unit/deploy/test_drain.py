"""The process that removes a container which another one has followed."""

import time
from types import SimpleNamespace

import pytest

from dagnix import project
from dagnix.deploy import drain
from dagnix.deploy.terms import Afterwards

HOST = "0123456789ab"


class Podman:
    """A draining container whose run ends after some looks, and what is done to it."""

    def __init__(self, looks: int) -> None:
        self.looks = looks
        self.done: list[str] = []

    def draining(self, _: project.Project) -> list[SimpleNamespace]:
        gone = "removed" in self.done
        return [] if gone else [SimpleNamespace(host=HOST, name="draining", running=True)]

    def runs(self, *_: object) -> list[str]:
        self.looks -= 1
        return ["a run"] if self.looks >= 0 else []

    def remove(self, *_: object) -> None:
        self.done.append("removed")

    def cancel(self, *_: object) -> None:
        self.done.append("cancelled")

    def podman(self, _: project.Project, *words: str, failure: str) -> None:
        assert failure
        self.done.append(words[0])


@pytest.fixture
def podman(monkeypatch: pytest.MonkeyPatch, checkout: object) -> Podman:
    assert checkout
    made = Podman(looks=3)
    for name in ("draining", "runs", "remove"):
        monkeypatch.setattr(drain.generations, name, getattr(made, name))
    monkeypatch.setattr(drain.dashboard, "cancel", made.cancel)
    monkeypatch.setattr(drain, "podman", made.podman)
    monkeypatch.setattr(drain.time, "sleep", lambda _: None)
    monkeypatch.setattr(drain.subprocess, "Popen", lambda *_, **__: made.done.append("begun"))
    return made


@pytest.mark.parametrize(
    ("afterwards", "done"),
    [
        (Afterwards.KEEP, ["removed"]),
        (Afterwards.CANCEL, ["cancelled", "removed"]),
        (Afterwards.FAIL, ["restart"] * 3 + ["removed"]),
    ],
)
def test_the_container_goes_after_its_last_run_also_when_the_time_is_over(
    podman: Podman, afterwards: Afterwards, done: list[str]
) -> None:
    drain.drain(project.current(), HOST, time.time() - 1, afterwards)
    assert podman.done == done


def test_who_takes_up_what_a_reboot_has_ended_keeps_to_what_was_said(
    podman: Podman, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, told = project.current(), []
    monkeypatch.setattr(drain, "drain", lambda _, *terms: told.append(terms))
    monkeypatch.setattr(drain.old_images, "remove", lambda _: None)
    monkeypatch.setattr(drain.sys, "argv", ["drain", HOST])
    before = time.time()
    drain.begin(here, 0, Afterwards.CANCEL)  # by a deploy; its process ends with the host
    drain.begin(here)  # by `up`
    assert podman.done == ["begun"] * 2
    drain.main()
    ((host, until, afterwards),) = told
    assert (host, afterwards) == (HOST, Afterwards.CANCEL)
    assert before <= until <= time.time()
    assert not list(drain.folder(here).glob("drain-*.json"))
    # Whatever a host that went down has left of the file.
    (drain.folder(here) / f"drain-{HOST}.json").write_text('{"until')
    drain.main()
    assert told[1][2] is Afterwards.KEEP
