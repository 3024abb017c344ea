"""Where podman is run."""

from collections.abc import Callable
from pathlib import Path

import pytest

from dagnix import project
from dagnix.host import podman
from dagnix.stack import compose

Program = Callable[[str, str], Path]


@pytest.fixture
def here(
    checkout: Path, program: Program, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> project.Project:
    monkeypatch.setattr(podman, "settings", dict)
    monkeypatch.setattr(compose, "settings", dict)
    monkeypatch.setattr(
        compose.sys, "executable", str(program("python", "pwd; echo $COMPOSE_FILE"))
    )
    program("podman", "touch oom; pwd")
    monkeypatch.chdir(tmp_path)
    assert checkout.is_dir()
    return project.current()


@pytest.mark.parametrize("word", ["run", "exec", "start", "healthcheck"])
def test_a_kill_for_want_of_memory_leaves_no_file_in_the_checkout(
    here: project.Project, tmp_path: Path, word: str
) -> None:
    where = podman.podman(here, word, failure="").output.strip()
    assert where == str(here.state / "podman")
    assert not (tmp_path / "oom").exists()


def test_what_is_named_from_here_is_found(here: project.Project, tmp_path: Path) -> None:
    assert podman.podman(here, "load", failure="").output.strip() == str(tmp_path)


def test_podman_compose_is_run_outside_the_checkout_on_its_files(
    here: project.Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMPOSE_FILE", "compose.yaml:/elsewhere/own.yaml")
    where, files = compose.compose(here, "down", failure="").output.splitlines()
    assert where == str(here.state / "podman")
    assert files == f"{here.root}/compose.yaml:/elsewhere/own.yaml"


@pytest.fixture
def half_loaded(here: project.Project, program: Program) -> project.Project:
    """A podman that has one image with a name, and one that was loaded by half."""
    program(
        "podman",
        """case "$*" in
*reference=*) echo '[{"Id": "abc"}]' ;;
*) echo 'Error: locating item named "manifest" for image with ID "0bad" (…)' >&2; exit 125 ;;
esac""",
    )
    return here


def test_an_image_that_is_not_whole_hides_no_other(
    half_loaded: project.Project, capsys: pytest.CaptureFixture[str]
) -> None:
    assert podman.images(half_loaded) == [{"Id": "abc"}]
    said = capsys.readouterr().err
    assert "not whole: `podman image rm --force 0bad` removes it" in said
