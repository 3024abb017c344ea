from pathlib import Path

import pytest

from dagnix import UserError, project
from dagnix.checkout import Checkout


def test_defaults(checkout: Path) -> None:
    here = project.current()
    assert (here.name, here.port, here.version) == ("dagnix", 3000, "1.2.3")
    assert here.secrets == checkout / ".dagnix" / "secrets"
    assert here.url == "http://127.0.0.1:3000"


def test_environment_wins_over_the_env_file(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = ["# ports", "DAGNIX_PORT=3100", "export COMPOSE_PROJECT_NAME='staging'", ""]
    (checkout / ".env").write_text("\n".join(lines))
    assert (project.current().port, project.current().name) == (3100, "staging")
    monkeypatch.setenv("DAGNIX_PORT", "3200")
    assert project.current().port == 3200


def test_an_environment_wins_over_the_env_file_and_not_over_the_shell(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = checkout / "config" / "env"
    folder.mkdir(parents=True)
    (folder / "staging.env").write_text("DAGNIX_PORT=3001\nDAGNIX_PIPES_MEMORY=8g\n")
    (checkout / ".env").write_text("DAGNIX_PORT=3100\nDAGNIX_VERSION=own\n")
    monkeypatch.setenv("DAGNIX_ENV", "staging")
    here = project.current()
    assert (here.port, here.version, here.environment["DAGNIX_PIPES_MEMORY"]) == (3001, "own", "8g")
    monkeypatch.setenv("DAGNIX_PORT", "3200")
    assert project.current().port == 3200
    monkeypatch.setenv("DAGNIX_ENV", "prod")
    with pytest.raises(UserError, match=r"no config/env/prod\.env: the environments are staging"):
        project.current()


def test_an_empty_variable_is_as_good_as_none(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGNIX_VERSION", "")
    assert project.current().version == (checkout / "VERSION").read_text().strip()


@pytest.mark.usefixtures("checkout")
@pytest.mark.parametrize("port", ["http", "0", "65536", "-1", "3_000"])
def test_port_must_be_one(port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGNIX_PORT", port)
    with pytest.raises(UserError, match=r"^DAGNIX_PORT must be a number from"):
        _ = project.current().port


def test_found_from_a_folder_inside(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = checkout / "pipes" / "src"
    inside.mkdir(parents=True)
    monkeypatch.delenv("DAGNIX_ROOT")
    monkeypatch.chdir(inside)
    assert project.current().root == Checkout.here().root == checkout


def test_outside_of_a_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DAGNIX_ROOT", raising=False)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="is not in a Dagnix checkout"):
        Checkout.here()


def test_a_compose_file_is_added_once_to_those_that_the_user_names(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def files(here: project.Project) -> list[str]:
        return here.with_compose_file("more.yaml").environment["COMPOSE_FILE"].split(":")

    assert files(project.current()) == [f"{checkout}/compose.yaml", f"{checkout}/more.yaml"]
    monkeypatch.setenv("COMPOSE_FILE", "compose.yaml:own.yaml")
    assert files(project.current()) == ["compose.yaml", "own.yaml", f"{checkout}/more.yaml"]
    monkeypatch.setenv("COMPOSE_FILE", "compose.yaml:more.yaml")
    assert files(project.current()) == ["compose.yaml", "more.yaml"]


@pytest.mark.parametrize("where", ["environment", ".env", "config/env"])
@pytest.mark.parametrize(
    ("name", "fit"),
    [
        ("teamA", "teama"),
        ("../../x", "x"),
        ("-team", "team"),
        ("Ann's team", "ann-s-team"),
        ("a.b", "a-b"),
        ("ü", "dagnix"),
    ],
)
def test_a_name_that_podman_compose_would_change_is_refused_with_one_that_would_do(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, where: str, name: str, fit: str
) -> None:
    if where == "environment":
        monkeypatch.setenv("COMPOSE_PROJECT_NAME", name)
    elif where == ".env":
        (checkout / ".env").write_text(f'COMPOSE_PROJECT_NAME="{name}"\n')
    else:
        (checkout / "config" / "env").mkdir(parents=True)
        (checkout / "config" / "env" / "own.env").write_text(f'COMPOSE_PROJECT_NAME="{name}"\n')
        monkeypatch.setenv("DAGNIX_ENV", "own")
    with pytest.raises(UserError) as refused:
        project.current()
    assert str(refused.value).startswith(f"COMPOSE_PROJECT_NAME cannot be {name!r}: ")
    assert str(refused.value).endswith(f"such as {fit}.")
    monkeypatch.setenv("COMPOSE_PROJECT_NAME", fit)
    assert project.current().name == fit


@pytest.mark.usefixtures("checkout")
@pytest.mark.parametrize(("tag", "fit"), [("my tag", "my-tag"), (".1", "1"), ("a/b", "a-b")])
def test_a_tag_that_no_image_can_have_is_refused(
    monkeypatch: pytest.MonkeyPatch, tag: str, fit: str
) -> None:
    monkeypatch.setenv("DAGNIX_VERSION", tag)
    with pytest.raises(UserError, match=rf"^DAGNIX_VERSION cannot be .* such as {fit}\.$"):
        project.current()
    monkeypatch.setenv("DAGNIX_VERSION", fit)
    assert project.current().version == fit
