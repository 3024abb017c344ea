"""Images that another environment runs."""

from pathlib import Path

import pytest

from dagnix import UserError, project
from dagnix.deploy import promotion
from dagnix.stack.containers import Container

IMAGES = {"webserver": "w", "daemon": "d", "pipes": "p", "postgres": "db", "gate": "g"}


@pytest.fixture
def here(checkout: Path) -> project.Project:
    (checkout / "config" / "env").mkdir(parents=True, exist_ok=True)
    (checkout / "config" / "env" / "dev.env").write_text("COMPOSE_PROJECT_NAME=dagnix-dev\n")
    return project.current()


def run(monkeypatch: pytest.MonkeyPatch, **images: str) -> None:
    found = [
        Container({"Image": image, "Config": {"Labels": {"com.docker.compose.service": service}}})
        for service, image in images.items()
    ]
    monkeypatch.setattr(promotion, "containers", lambda _: found)


def test_each_image_is_taken_over_once_by_its_own_name(
    here: project.Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(monkeypatch, **IMAGES, backup="db")
    found = promotion.host_images(here, "dev")
    assert found == {name: image for name, image in IMAGES.items() if name != "pipes"}


def test_what_lacks_a_container_is_named(
    here: project.Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(monkeypatch, **{name: image for name, image in IMAGES.items() if name != "gate"})
    with pytest.raises(UserError, match="dagnix-dev has no container of gate to take over"):
        promotion.host_images(here, "dev")
