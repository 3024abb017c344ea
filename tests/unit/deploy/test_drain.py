"""The process that removes a container which another one has followed."""

import os
import threading
import time
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from dagnix import UserError, project
from dagnix.deploy import drain
from dagnix.deploy.terms import Afterwards
from dagnix.file_lock import held

HOST = "0123456789ab"


class Podman:
    """A draining container whose run ends after some looks, and what is done to it."""

    def __init__(self, looks: int) -> None:
        self.looks = looks
        self.is_served = False
        self.done: list[str] = []

    def draining(self, _: project.Project) -> list[SimpleNamespace]:
        gone = "removed" in self.done
        running = "ended" not in self.done or "woken" in self.done
        return [] if gone else [SimpleNamespace(host=HOST, name="draining", running=running)]

    def runs(self, *_: object) -> list[str]:
        if self.done == ["ended"]:
            raise UserError("no such process")
        self.looks -= 1
        return ["a run"] if self.looks >= 0 else []

    def wake(self, *_: object) -> bool:
        self.done.append("woken")
        return True

    def serves(self, *_: object) -> bool:
        return self.is_served

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
    for name in ("draining", "runs", "serves", "remove", "wake"):
        monkeypatch.setattr(drain.code_containers, name, getattr(made, name))
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


def test_one_that_still_serves_stays_although_its_name_says_that_it_drains(podman: Podman) -> None:
    podman.is_served = True
    drain.drain(project.current(), HOST, time.time() + 60, Afterwards.KEEP)
    assert podman.done == []


@pytest.mark.parametrize("looks", [0, 2])
def test_a_container_that_ends_meanwhile_is_woken_first(
    podman: Podman, monkeypatch: pytest.MonkeyPatch, looks: int
) -> None:
    podman.looks = looks
    # It reports the runs that ended with it.
    monkeypatch.setattr(drain.code_containers, "runs", _ending(podman))
    drain.drain(project.current(), HOST, time.time() + 60, Afterwards.KEEP)
    assert podman.done == ["ended", "woken", "removed"]


def test_none_is_woken_while_a_command_stops_the_stack(
    podman: Podman, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, stops = project.current(), threading.Event()

    def stop() -> None:
        with held(drain.folder(here) / "lock", lambda: None):
            stops.set()
            while "ended" not in podman.done:
                threading.Event().wait(0.01)
            threading.Event().wait(0.3)  # in which it could be woken
            podman.done.append("stopped")

    command = threading.Thread(target=stop)
    command.start()
    stops.wait()
    monkeypatch.setattr(drain.code_containers, "runs", _ending(podman))
    drain.drain(here, HOST, time.time() + 60, Afterwards.KEEP)
    command.join()
    assert podman.done == ["ended", "stopped", "woken", "removed"]


def _ending(podman: Podman) -> Callable[..., list[str]]:
    """Have the container end as it is first asked for its runs."""

    def runs(*_: object) -> list[str]:
        if not podman.done:
            podman.done.append("ended")
        return podman.runs()

    return runs


def test_one_that_runs_and_does_not_tell_its_runs_stays(
    podman: Podman, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> list[str]:
        raise UserError("it does not answer")

    monkeypatch.setattr(drain.code_containers, "runs", fail)
    with pytest.raises(UserError, match="it does not answer"):
        drain.drain(project.current(), HOST, time.time() + 60, Afterwards.KEEP)
    assert podman.done == []


def test_it_is_asked_more_rarely_the_longer_its_runs_go_on(
    podman: Podman, monkeypatch: pytest.MonkeyPatch
) -> None:
    podman.looks, now, slept = 100, [0.0], []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    monkeypatch.setattr(drain.time, "sleep", sleep)
    monkeypatch.setattr(drain.time, "monotonic", lambda: now[0])
    drain.drain(project.current(), HOST, time.time() + 60, Afterwards.KEEP)
    assert (slept[0], slept[-1]) == (drain.LOOK_SECONDS, drain.LATER_SECONDS)
    assert slept == sorted(slept)


def test_who_takes_up_what_a_reboot_has_ended_keeps_to_what_was_said(
    podman: Podman, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, told = project.current(), []
    monkeypatch.setattr(drain, "drain", lambda _, *terms: told.append(terms))

    def collect(_: project.Project, *, silent: bool) -> None:
        assert silent
        podman.done.append(f"collected after {len(told)}")  # which may take minutes

    monkeypatch.setattr(drain.garbage, "collect", collect)
    monkeypatch.setattr(drain.old_images, "remove", lambda _: None)
    monkeypatch.setattr(drain.sys, "argv", ["drain", HOST])
    before = time.time()
    drain.begin(here, 0, Afterwards.CANCEL)  # by a deploy; its process ends with the host
    drain.begin(here)  # by `up`
    assert podman.done == ["begun"] * 2
    drain.main()
    assert podman.done[-1] == "collected after 1"
    ((host, until, afterwards),) = told
    assert (host, afterwards) == (HOST, Afterwards.CANCEL)
    assert before <= until <= time.time()
    assert not list(drain.folder(here).glob("drain-*.json"))
    # Whatever a host that went down has left of the file.
    (drain.folder(here) / f"drain-{HOST}.json").write_text('{"until')
    drain.main()
    assert told[1][2] is Afterwards.KEEP


def test_a_log_in_which_nothing_stands_goes_with_the_container(
    podman: Podman, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = project.current()
    monkeypatch.setattr(drain, "drain", lambda *_: None)
    monkeypatch.setattr(drain.garbage, "collect", lambda *_, **__: None)
    monkeypatch.setattr(drain.old_images, "remove", lambda _: None)
    monkeypatch.setattr(drain.sys, "argv", ["drain", HOST])
    logs = {name: drain.folder(here) / f"drain-{name}.log" for name in ("old", "new", "drains")}
    for log in logs.values():
        log.write_text("podman did not answer" if log != logs["drains"] else "")
    logs["drains"].with_suffix(".json").touch()
    month = time.time() - (drain.LOG_DAYS + 1) * drain.A_DAY
    os.utime(logs["old"], (month, month))
    drain.begin(here)
    assert podman.done == ["begun"]
    drain.main()
    left = {each.name for each in drain.folder(here).glob("drain-*.log")}
    assert left == {"drain-new.log", "drain-drains.log"}
