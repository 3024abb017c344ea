"""An upgrade of a stack in which one code location cannot have its new code."""

import json
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from dagnix import UserError, code_locations, project
from dagnix.deploy.history import Release
from dagnix.deploy.terms import Afterwards, Terms
from dagnix.faults import Faults
from dagnix.locations import start
from dagnix.upgrade import current, desired, steps
from dagnix.upgrade import plan as plans
from dagnix.upgrade.plan import Change, Plan
from dagnix.versions.compatibility import Schema

TERMS = Terms(1, 1, Afterwards.KEEP)


@pytest.fixture
def here(checkout: Path) -> project.Project:
    """A checkout with the locations well and sick beside pipes."""
    subprocess.run(["git", "init", "--quiet", checkout], check=True)
    for name in ("well", "sick"):
        lock = code_locations.lock(checkout, name)
        lock.parent.mkdir(parents=True, exist_ok=True)
        lock.write_text(json.dumps({"folder": f"locations/{name}"}))
    return project.current()


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The locations that are served, each from an image of its name."""
    names = {"pipes", "well", "sick"}

    def serving(_: project.Project, name: str) -> SimpleNamespace:
        if name not in names:
            raise UserError(f"{name} is not served")
        return SimpleNamespace(image_id=f"old {name}")

    monkeypatch.setattr(desired.code_containers, "require_running", serving)
    monkeypatch.setattr(desired.history, "of_checkout", lambda *_: ("", False))
    monkeypatch.setattr(desired.history, "of", lambda *_: [])
    return names


def built(monkeypatch: pytest.MonkeyPatch, broken: str) -> None:
    """Have Nix build all images but one."""

    def build_each(here: project.Project, faults: Faults) -> list[SimpleNamespace]:
        faults.add(broken, "Nix cannot build it")
        names = ["webserver", "daemon", *code_locations.names(here.root), "postgres"]
        return [SimpleNamespace(name=name) for name in names if name != broken]

    monkeypatch.setattr(desired.build, "build_each", build_each)
    monkeypatch.setattr(desired.load, "ensure", lambda _, layout: f"new {layout.name}")


def test_one_that_cannot_be_built_keeps_its_image(
    here: project.Project, served: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    built(monkeypatch, "sick")
    faults = Faults()
    chosen = desired.of_tree(here, faults)
    assert chosen.images == {
        **{name: f"new {name}" for name in ("webserver", "daemon", "postgres", "pipes", "well")},
        "sick": "old sick",
    }
    assert faults.told == ["sick: Nix cannot build it"]
    # What is not served has no image to keep.
    served.remove("sick")
    assert desired.of_tree(here, Faults()).releases.keys() == {"pipes", "well"}


def test_one_that_another_environment_does_not_serve_keeps_its_image(
    here: project.Project, served: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def code(_: project.Project, environment: str, name: str) -> Release:
        if name == "sick":
            raise UserError(f"{environment} does not serve it")
        return Release("from dev", f"new {name}", ("", False))

    assert served
    monkeypatch.setattr(desired.promotion, "code", code)
    monkeypatch.setattr(desired.promotion, "host_images", lambda *_: {"webserver": "new"})
    faults = Faults()
    chosen = desired.of_environment(here, "dev", faults)
    assert {name: each.image_id for name, each in chosen.releases.items()} == {
        "pipes": "new pipes",
        "well": "new well",
        "sick": "old sick",
    }
    assert faults.told == ["sick: dev does not serve it"]


def made(before: str, after: str) -> Plan:
    services = ("daemon", "webserver", "well", "sick")
    changes = {name: Change(name, "old", "new", before, after) for name in services}
    revision = frozenset({"a"})
    return Plan(changes, ["well", "sick"], Schema(revision, revision, revision))


def test_without_one_a_plan_leaves_it_as_it_is() -> None:
    plan = made("1.13.1", "1.13.2").without(Faults({"sick": "it does not load"}))
    assert [each.service for each in plan.needed] == ["daemon", "webserver", "well"]
    assert plan.changes["sick"].after == "1.13.1"


def test_one_that_stays_must_not_be_newer_than_an_older_webserver(here: project.Project) -> None:
    faults = Faults({"sick": "it does not load"})
    plan = made("1.13.2", "1.13.1").without(faults)
    with pytest.raises(UserError, match=r"(?s)sick has Dagster 1\.13\.2.*\nsick: it does not load"):
        plans.require_compatible(here, plan, faults)
    plans.require_compatible(here, made("1.13.1", "1.13.2").without(faults), faults)


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is replaced, where the new code of sick does not become healthy."""
    replaced: list[str] = []

    def deploy(_: project.Project, name: str, *__: object) -> None:
        if name == "sick":
            raise UserError("it is not healthy")
        replaced.append(name)

    monkeypatch.setattr(steps.deploy, "deploy", deploy)
    monkeypatch.setattr(steps, "replace", lambda _, change, __: replaced.append(change.service))
    monkeypatch.setattr(steps.migrate, "daemon_stopped", lambda _: steps.ExitStack())
    monkeypatch.setattr(steps.migrate, "run", lambda *_: None)
    monkeypatch.setattr(start, "health", SimpleNamespace(sick=lambda *_: {}))
    return replaced


def chosen() -> desired.Desired:
    releases = {name: Release("upgrade", "new", ("", False)) for name in ("well", "sick")}
    return desired.Desired({"daemon": "new", "webserver": "new"}, releases)


def test_one_that_does_not_become_healthy_is_a_fault(
    here: project.Project, done: list[str]
) -> None:
    faults = Faults()
    steps.carry_out(here, made("1.13.1", "1.13.2"), chosen(), TERMS, faults, safe=False)
    assert done == ["daemon", "webserver", "well"]
    assert faults.told == ["sick: it is not healthy"]


def test_the_hosts_do_not_become_older_than_code_that_stays(
    here: project.Project, done: list[str]
) -> None:
    with pytest.raises(UserError, match="it is not healthy"):
        steps.carry_out(here, made("1.13.2", "1.13.1"), chosen(), TERMS, Faults(), safe=False)
    assert done == []


def test_one_that_does_not_start_keeps_no_other_from_it(
    here: project.Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str] = []

    def compose(_: project.Project, *words: str, failure: str) -> None:
        if "sick" in words:
            raise UserError(failure)
        started.extend(words[3:])

    running = [SimpleNamespace(service="pipes", running=True)]
    monkeypatch.setattr(current.recovery, "finish", lambda _: None)
    monkeypatch.setattr(current.migrate, "wait_for_earlier", lambda _: None)
    services = ["postgres", "webserver", "daemon", "pipes", "sick", "well"]
    monkeypatch.setattr(current.containers, "containers", lambda _: running)
    monkeypatch.setattr(current.containers, "everything", lambda _: [])
    monkeypatch.setattr(current.compose, "services", lambda _: services)
    monkeypatch.setattr(current.compose, "compose", compose)
    faults = Faults()
    current.ready(here, faults)
    assert started == ["daemon", "postgres", "webserver", "well"]
    assert faults.told == ["sick: podman-compose cannot start sick"]
