"""`./dagnix boot`, and what its unit does at boot and at shutdown."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from dagnix import UserError, project
from dagnix.boot import run, unit
from dagnix.commands import boot
from dagnix.faults import Faults
from dagnix.stack.containers import Container

Program = Callable[[str, str], Path]


@pytest.fixture
def host(
    checkout: Path, tmp_path: Path, program: Program, monkeypatch: pytest.MonkeyPatch
) -> SimpleNamespace:
    """A host with systemd and a stack; `asked` is what its systemd was asked, by root or a user."""
    made = SimpleNamespace(checkout=checkout, root=True, linger=True, log=tmp_path / "asked")
    program("systemctl", f'echo "$*" >> {made.log}; echo enabled')
    program("loginctl", f'echo "$*" >> {made.log}; exit 1')
    monkeypatch.setattr(unit, "has_systemd", lambda: True)
    monkeypatch.setattr(unit, "is_root", lambda: made.root)
    monkeypatch.setattr(unit, "has_linger", lambda: made.linger)
    monkeypatch.setattr(unit, "SYSTEM_UNITS", tmp_path / "system")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return made


def asked(host: SimpleNamespace) -> list[str]:
    return host.log.read_text().splitlines()


def test_root_gets_a_unit_of_the_system(host: SimpleNamespace, tmp_path: Path) -> None:
    boot.install(project.current(), 600)
    text = (tmp_path / "system" / "dagnix-dagnix.service").read_text()
    assert f'Environment="DAGNIX_ROOT={host.checkout}"' in text
    program = f'/usr/bin/env "{host.checkout}/.dagnix/roots/cli/bin/dagnix" boot'
    assert f"\nExecStart={program} --start\nExecStop={program} --stop\n" in text
    assert "\nWantedBy=multi-user.target\n" in text
    assert "\nWants=network-online.target\n" in text
    assert unit.is_of(project.current())
    assert asked(host) == [
        "daemon-reload",
        "enable --quiet dagnix-dagnix.service",
        "start dagnix-dagnix.service",
    ]


def test_a_user_gets_a_unit_of_the_users_own_systemd(host: SimpleNamespace, tmp_path: Path) -> None:
    host.root = False
    boot.install(project.current(), 600)
    text = (tmp_path / "config" / "systemd" / "user" / "dagnix-dagnix.service").read_text()
    assert "\nWantedBy=default.target\n" in text
    assert "network-online" not in text
    assert "--user enable --quiet dagnix-dagnix.service" in asked(host)


def test_a_user_who_may_not_have_linger_is_told_who_can_give_it(host: SimpleNamespace) -> None:
    host.root = host.linger = False
    with pytest.raises(UserError, match="have root run `loginctl enable-linger"):
        boot.install(project.current(), 600)
    assert "enable-linger" in asked(host)


def test_the_unit_names_the_instance_as_the_environment_does(
    host: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert host.root
    monkeypatch.setenv("COMPOSE_PROJECT_NAME", "trial")
    monkeypatch.setenv("DAGNIX_SECRETS_DIR", '/a "b" $c %d')
    here = project.current()
    assert unit.name(here) == "dagnix-trial.service"
    text = unit.text(here, unit.variables(here))
    assert 'Environment="COMPOSE_PROJECT_NAME=trial"\n' in text
    assert 'Environment="DAGNIX_SECRETS_DIR=/a \\"b\\" $c %%d"\n' in text


def test_a_unit_of_another_checkout_is_seen(host: SimpleNamespace, tmp_path: Path) -> None:
    here = project.current()
    assert not unit.is_of(here)
    boot.install(here, 600)
    other = tmp_path / "other"
    host.checkout.rename(other)
    assert not unit.is_of(project.Project(other, here.environment))


def test_what_is_written_is_taken_back(host: SimpleNamespace, tmp_path: Path) -> None:
    here = project.current()
    boot.install(here, 600)
    boot.take_back(here)
    assert not list((tmp_path / "system").iterdir())
    assert asked(host)[-2:] == ["disable --quiet dagnix-dagnix.service", "daemon-reload"]
    boot.take_back(here)


@pytest.mark.usefixtures("checkout")
def test_without_systemd_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unit, "has_systemd", lambda: False)
    with pytest.raises(UserError, match=r"run `\./dagnix up` after a reboot"):
        boot.install(project.current(), 600)


@pytest.mark.parametrize(
    ("shown", "seconds"),
    [("1min 30s", 90), ("10min", 600), ("1h 500ms", 3600.5), ("infinity", None), ("", None)],
)
def test_spans_of_time_are_read_as_systemctl_shows_them(shown: str, seconds: float | None) -> None:
    assert unit.seconds(shown) == seconds


def container(
    service: str, name: str = "", *, seconds: int = 10, state: str = "running"
) -> Container:
    return Container(
        {
            "Name": name or f"dagnix_{service}_1",
            "Config": {
                "Labels": {"com.docker.compose.service": service},
                "StopTimeout": seconds,
            },
            "State": {"Status": state},
        }
    )


@pytest.fixture
def podman(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A stack with a draining container; `done` is what podman was told."""
    assert checkout.is_dir()
    made = SimpleNamespace(done=[], state="running", fault="")

    def everything(_: project.Project) -> list[Container]:
        return [
            container("postgres", seconds=120, state=made.state),
            container("daemon", seconds=30, state=made.state),
            container("pipes", "dagnix_pipes_1-abc-draining", seconds=600, state=made.state),
            container("pipes", seconds=600, state=made.state),
        ]

    def told(_: project.Project, *words: str, failure: str, timeout: float | None = None) -> None:
        assert failure
        made.done.append((words, timeout))

    monkeypatch.setattr(run.containers, "everything", everything)
    monkeypatch.setattr(run, "podman", told)
    monkeypatch.setattr(run.recovery, "finish", lambda _: made.done.append("finished"))

    def finish_deploys(here: project.Project, faults: Faults) -> list[Container]:
        made.done.append("deploys finished")
        if made.fault:
            faults.add("pipes", made.fault)
        return everything(here)

    monkeypatch.setattr(run.interrupted, "finish_all", finish_deploys)
    monkeypatch.setattr(run.drain, "begin", lambda _: made.done.append("drains"))
    monkeypatch.setattr(run, "Bridges", lambda _: SimpleNamespace(pin=lambda: None))
    return made


def test_at_boot_all_is_started_and_draining_containers_go_on(podman: SimpleNamespace) -> None:
    podman.state = "exited"
    run.start(project.current())
    names = ("postgres_1", "daemon_1", "pipes_1-abc-draining", "pipes_1")
    names = tuple(f"dagnix_{each}" for each in names)
    started = (("start", *names), None)
    assert podman.done == ["finished", "deploys finished", started, "drains"]


def test_at_boot_all_else_is_started_when_a_deploy_cannot_be_finished(
    podman: SimpleNamespace,
) -> None:
    podman.state, podman.fault = "exited", "Podman cannot remove it"
    with pytest.raises(
        UserError, match="All else is started, but not pipes:\npipes: Podman cannot"
    ):
        run.start(project.current())
    assert podman.done[-1] == "drains"


def test_what_runs_already_is_left_as_it_is(podman: SimpleNamespace) -> None:
    run.start(project.current())
    assert podman.done == ["finished", "deploys finished", "drains"]


def test_how_long_the_stack_may_take_is_what_its_slowest_container_may(
    podman: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run.grace(project.current()) == 600
    monkeypatch.setattr(run.containers, "everything", lambda _: [])
    with pytest.raises(UserError, match=r"is not running: start it with \./dagnix up"):
        run.grace(project.current())
    assert podman.done == []
