import json
import os
from collections.abc import Callable, Iterator

import pytest
from support.stack import ROOT

from dagnix import project
from dagnix.host import podman
from dagnix.images.layout import REF_NAME, Layout
from dagnix.images.push import Registry
from dagnix.kubernetes import services, settings
from dagnix.project import Project

IMAGES = ("webserver", "daemon", "pipes", "postgres", "gate")
DIGEST = "sha256:" + "d" * 64
SECRETS = {
    "gate/users.json": '{"ann": {}}',
    "gate/session-key": "k" * 40,
    "shared/API_KEY": "hush",
    "locations/pipes/OWN": "own\n",
}


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """The checkout, with secrets of its own, somebody who may log in, and a podman that is none."""
    folder = tmp_path_factory.mktemp("kubernetes")
    program = folder / "bin" / "podman"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho podman version 5.5.0\n")
    program.chmod(0o755)
    secrets = folder / "secrets"
    secrets.mkdir(mode=0o700)
    for name, value in SECRETS.items():
        (secrets / name).parent.mkdir(parents=True, exist_ok=True)
        (secrets / name).write_text(value)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
        patch.setattr(podman, "settings", dict)
        for name in ("COMPOSE_FILE", "DAGNIX_ENV", "DAGNIX_SETTINGS", "DAGNIX_RUN_MEMORY"):
            patch.delenv(name, raising=False)
        patch.setenv("DAGNIX_ROOT", str(ROOT))
        patch.setenv("COMPOSE_PROJECT_NAME", "team")
        patch.setenv("DAGNIX_SECRETS_DIR", str(secrets))
        yield project.current()


@pytest.fixture(scope="module")
def layouts(tmp_path_factory: pytest.TempPathFactory) -> list[Layout]:
    """The images, of which nothing is there but the digest."""
    made = []
    for name in IMAGES:
        folder = tmp_path_factory.mktemp(name)
        entry = {"digest": DIGEST, "annotations": {REF_NAME: f"localhost/dagnix/{name}:1"}}
        (folder / "index.json").write_text(json.dumps({"manifests": [entry]}))
        made.append(Layout(folder))
    return made


@pytest.fixture(scope="module")
def made(here: Project, layouts: list[Layout]) -> settings.Settings:
    """What is read of the checkout as it is."""
    return collected(here, layouts)


def collected(here: Project, layouts: list[Layout]) -> settings.Settings:
    settings.require(here)
    registry = Registry("registry.example.org/team")
    return settings.collect(here, registry, layouts, services.read(here))


@pytest.fixture
def collect(layouts: list[Layout]) -> Callable[[Project], settings.Settings]:
    """Read a project that differs from the checkout as it is."""
    return lambda project: collected(project, layouts)
