"""One code location that is broken, beside others that are not."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from dagnix import UserError, code_locations, project
from dagnix.faults import Faults
from dagnix.host import podman
from dagnix.images import build, load
from dagnix.locations import start
from dagnix.process import CommandError, Result
from dagnix.stack import compose as stack_compose
from dagnix.stack import containers as stack_containers
from dagnix.stack import health, lifecycle, location_service, smoke_test
from dagnix.stack.containers import Container
from dagnix.stack.health import Health

Program = Callable[[str, str], Path]
STACK = ("postgres", "pipes", "daemon", "webserver")


@pytest.fixture
def here(checkout: Path) -> project.Project:
    """A checkout with the locations well and sick beside pipes."""
    subprocess.run(["git", "init", "--quiet", checkout], check=True)
    for name in ("well", "sick"):
        lock = code_locations.lock(checkout, name)
        lock.parent.mkdir(parents=True, exist_ok=True)
        lock.write_text(json.dumps({"folder": f"locations/{name}"}))
        compose = {"services": {name: {"image": "x"}}}
        code_locations.compose_file(checkout, name).write_text(json.dumps(compose))
    return project.current()


def test_what_is_wrong_is_told_in_the_end_with_the_names_first() -> None:
    faults = Faults({"a": "its lock cannot be read"})
    with faults.of("b"):
        raise UserError("Nix cannot build")
    with faults.of("b"):
        raise UserError("it is not served")
    with faults.of("c"):
        pass
    assert [name in faults for name in "abc"] == [True, True, False]
    with pytest.raises(UserError) as told:
        faults.tell("All else is up")
    assert str(told.value).splitlines() == [
        "All else is up, but not a, b:",
        "a: its lock cannot be read",
        "b: Nix cannot build",
    ]
    Faults().tell("All else is up")


def test_a_lock_that_cannot_be_read_is_named_and_hides_no_other(here: project.Project) -> None:
    for text in ("<<<<<<< ours\n{}", "[]", "{}"):
        code_locations.lock(here.root, "sick").write_text(text)
        assert code_locations.names(here.root) == ["pipes", "well"]
        assert code_locations.unreadable(here.root).keys() == {"sick"}
        files = {Path(file).name for file in project.current().compose_files}
        assert files == {"compose.yaml", "compose.location-well.yaml"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "compose.location-sick.yaml is not there: take it from git"),
        ("services: [", "compose.location-sick.yaml is no compose file: "),
        ("services: {pipes: {}}", "compose.location-sick.yaml has no service sick"),
        ("- 1", "compose.location-sick.yaml has no service sick"),
    ],
)
def test_a_compose_file_that_cannot_be_read_is_left_out(
    here: project.Project, monkeypatch: pytest.MonkeyPatch, text: str | None, says: str
) -> None:
    path = code_locations.compose_file(here.root, "sick")
    path.unlink()
    if text is not None:
        path.write_text(text)
    (fault,) = location_service.unreadable(here.root).values()
    assert fault.startswith(says)
    given: list[str] = []

    def run(*_: object, env: dict[str, str], **__: object) -> Result:
        given.append(env["COMPOSE_FILE"])
        return Result((), 0)

    monkeypatch.setattr(stack_compose, "settings", dict)
    monkeypatch.setattr(stack_compose, "run", run)
    stack_compose.compose(here, "ps", failure="")
    files = [Path(file).name for file in given[0].split(":")]
    assert files == ["compose.yaml", "compose.location-well.yaml"]


def test_what_can_be_built_is_built(
    here: project.Project, program: Program, tmp_path: Path
) -> None:
    layout = tmp_path / "layout"
    layout.mkdir()
    (layout / "index.json").write_text('{"manifests": [{}]}')
    calls = tmp_path / "calls"
    program(
        "nix",
        f"""echo "$*" >>{calls}
case "$*" in *'#sick-oci'*) echo 'error: TOML' >&2; exit 1 ;; esac
printf '['; separator=
for word; do case $word in *-oci)
  printf '%s{{"outputs": {{"out": "{layout}"}}}}' "$separator"; separator=,
esac; done
echo ']'""",
    )
    faults = Faults()
    assert len(build.build_each(here, faults)) == 6
    assert "sick" in faults
    assert not any(name in faults for name in ("pipes", "well"))
    first, *later = calls.read_text().splitlines()
    assert "--keep-going" in first
    assert [line.count("-oci") for line in later] == [4, 1, 1, 1]


def test_an_image_of_all_that_cannot_be_built_ends_the_build(
    here: project.Project, program: Program
) -> None:
    program("nix", "case \"$*\" in *'#webserver-oci'*) echo 'error: no' >&2; exit 1 ;; esac")
    with pytest.raises(UserError, match=r"^Nix cannot build; .*webserver-oci"):
        build.build_each(here, Faults())


@pytest.fixture
def podman_compose(
    here: project.Project, monkeypatch: pytest.MonkeyPatch
) -> tuple[set[str], list[tuple[str, ...]]]:
    """The services that run, and the calls of a podman-compose that does not start `sick`.

    A stack without images of sick; with compose files that podman-compose takes.
    """
    running: set[str] = set()
    calls: list[tuple[str, ...]] = []

    def services(given: project.Project) -> list[str]:
        files = {Path(file).name for file in given.compose_files}
        return [*STACK, *(n for n in ("well", "sick") if f"compose.location-{n}.yaml" in files)]

    def compose(given: project.Project, *words: str, failure: str, **_: object) -> Result:
        calls.append(words)
        known = services(given)
        if (here.root / "nonsense").exists() and "sick" in known:
            raise CommandError(failure, Result((), 1))
        wanted = set(words[2:]) or set(known)
        running.update(wanted - {"sick"})
        if "sick" in wanted:
            raise CommandError(failure, Result((), 1))
        return Result((), 0)

    def containers(_: project.Project) -> list[Container]:
        return [container(name) for name in sorted(running)]

    for module in (stack_compose, lifecycle):
        monkeypatch.setattr(module, "compose", compose)
        monkeypatch.setattr(module, "services", services)
    monkeypatch.setattr(stack_containers, "containers", containers)
    monkeypatch.setattr(lifecycle, "everything", containers)
    monkeypatch.setattr(lifecycle, "outdated", lambda *_: [])
    monkeypatch.setattr(lifecycle, "Bridges", lambda _: type("", (), {"pin": lambda _: None})())
    monkeypatch.setattr(load, "available", lambda *_: set())
    return running, calls


def container(name: str) -> Container:
    labels = {"com.docker.compose.service": name}
    state = {"Status": "running"}
    return Container({"Name": f"x_{name}_1", "Config": {"Labels": labels}, "State": state})


def test_what_has_no_image_is_not_started(
    here: project.Project, podman_compose: tuple[set[str], list[tuple[str, ...]]]
) -> None:
    running, calls = podman_compose
    start.start(here, Faults({"sick": "Nix cannot build"}), anew=False)
    assert running == {"postgres", "pipes", "daemon", "webserver", "well"}
    assert [words for words in calls if words[0] == "up"] == [
        ("up", "--detach", "postgres", "pipes", "daemon", "webserver", "well")
    ]


@pytest.mark.parametrize("nonsense", [False, True])
def test_what_cannot_be_started_is_named_and_the_others_start(
    here: project.Project,
    podman_compose: tuple[set[str], list[tuple[str, ...]]],
    *,
    nonsense: bool,
) -> None:
    running, _ = podman_compose
    if nonsense:  # podman-compose takes no file together with that of sick
        (here.root / "nonsense").touch()
    faults = Faults()
    start.start(here, faults, anew=False)
    assert running == {"postgres", "pipes", "daemon", "webserver", "well"}
    with pytest.raises(UserError, match=r"^sick .*podman-compose cannot start sick|but not sick:"):
        faults.tell("All else is up")


def test_a_location_that_keeps_stopping_leaves_the_others_their_time(
    here: project.Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "PAUSE_SECONDS", 0)
    monkeypatch.setattr(health, "GRACE_SECONDS", -1)
    monkeypatch.setattr(health, "podman", lambda *_, **__: Result((), 0, ""))
    restarts = iter([0, 9])
    left = {"daemon": 9}

    def containers(_: project.Project) -> list[Container]:
        counts = {"daemon": 0, "sick": next(restarts, 9)}
        return [
            Container({**container(name).seen, "RestartCount": count})
            for name, count in counts.items()
        ]

    def ask(_: project.Project, asked: Container, *, record: bool) -> Health:
        assert record
        left["daemon"] -= asked.service == "daemon"
        return Health(healthy=asked.service == "daemon" and left["daemon"] <= 0, says="x")

    monkeypatch.setattr(health, "containers", containers)
    monkeypatch.setattr(health, "ask_patiently", ask)
    assert health.sick(here, 60).keys() == {"sick"}


@pytest.mark.parametrize("known", [{}, {"sick": "Nix cannot build"}], ids=["new", "known"])
def test_the_example_runs_beside_a_location_that_does_not_load(
    here: project.Project, monkeypatch: pytest.MonkeyPatch, known: dict[str, str]
) -> None:
    jobs = {"repositories": [{"name": "own", "jobs": [{"name": "example"}]}]}
    entries = [
        {"name": "pipes", "locationOrLoadError": jobs},
        {"name": "sick", "locationOrLoadError": {"message": "no such module\n"}},
    ]
    answer = {
        "workspaceOrError": {"locationEntries": entries},
        "runsOrError": {"results": []},
    }
    launched = []
    # One that is known to have a fault is not waited for.
    monkeypatch.setattr(smoke_test, "LOCATION_SECONDS", 60 if known else 0)
    monkeypatch.setattr(smoke_test.time, "sleep", lambda _: pytest.fail("it waits"))
    monkeypatch.setattr(smoke_test.dashboard, "ask", lambda *_, **__: answer)
    monkeypatch.setattr(smoke_test, "_launch", lambda *_: launched.append(1) or "run")
    faults = Faults(known)
    smoke_test.run_once(here, faults)
    assert launched
    assert "sick" in faults


@pytest.mark.usefixtures("here")
def test_images_that_podman_has(
    program: Program, monkeypatch: pytest.MonkeyPatch, checkout: Path
) -> None:
    monkeypatch.setattr(podman, "settings", dict)
    listed = json.dumps([{"Id": "1", "RepoTags": ["localhost/dagnix/well:1.2.3"]}])
    program("podman", f"echo '{listed}'; exit 125")
    assert load.available(project.current(), ["well", "sick"]) == {"well"}
    assert load.available(project.current(), []) == set()
    assert checkout.is_dir()
