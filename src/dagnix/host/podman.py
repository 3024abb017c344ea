"""Podman, with the settings that it needs on this host."""

import functools
import json
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

from dagnix import console
from dagnix.host import containers_conf
from dagnix.process import Result, run
from dagnix.project import Project

NOT_WHOLE = re.compile(r'image with ID "([0-9a-f]+)"')
LISTINGS = 5  # tries, as another instance may remove an image meanwhile
# What starts conmon, which lives as long as what it watches.
WATCHED = {"exec", "healthcheck", "restart", "run", "start"}
PROJECT_LABEL = "io.podman.compose.project"  # on all that podman-compose makes


@functools.cache
def settings() -> dict[str, str]:
    """Return the environment variables without which podman does not work here."""
    return containers_conf.environment()


def podman(
    project: Project,
    *words: str,
    failure: str,
    check: bool = True,
    timeout: float | None = None,
) -> Result:
    """Run podman. Raises as `dagnix.process.run`."""
    cwd = directory(project.state) if words[0] in WATCHED else None
    command = ["podman", *words]
    return run(command, failure, check=check, timeout=timeout, env=settings(), cwd=cwd)


def directory(state: Path) -> Path:
    """Return the folder to run podman in, which is made if it is absent.

    When the kernel kills for want of memory, conmon leaves an empty file `oom` where it was
    started: in the checkout, git would take that for a change.
    """
    path = state / "podman"
    path.mkdir(parents=True, exist_ok=True)
    return path


def image_ids(project: Project, names: Collection[str]) -> dict[str, str]:
    """Return name → ID, hexadecimal, of those images that podman has."""
    if not names:
        return {}
    words = ["image", "inspect", *names]
    result = podman(project, *words, failure="Podman does not show images", check=False)
    return {
        name: image["Id"].removeprefix("sha256:")
        for image in json.loads(result.output or "[]")
        for name in image.get("RepoTags") or ()
    }


def images(project: Project) -> list[dict[str, Any]]:
    """Return what podman tells of the images that it has, also of those without a name.

    It adds up their sizes, a hundredth of a second each. Of an image that is not whole, as a load
    that was killed leaves it, podman can tell nothing, and then lists none: then those with a name
    are returned, which such an image has not got yet.
    """
    words = ["images", "--all", "--no-trunc", "--format", "json"]
    failure = "Podman does not list images"
    for _ in range(LISTINGS):
        # It also fails if an image that it has seen is removed before it has looked at that one.
        listed = podman(project, *words, failure=failure, check=False)
        if not listed.returncode:
            return json.loads(listed.output)
    if broken := NOT_WHOLE.search(listed.errors):
        console.warned(
            f"Podman has an image that is not whole: `podman image rm --force {broken[1]}` "
            "removes it"
        )
    named = podman(project, *words, "--filter", "reference=*/*", failure=failure)
    return json.loads(named.output)


def inspect(project: Project, names: list[str]) -> list[dict[str, Any]]:
    """Return what podman knows about these containers; nothing of those that are not there."""
    if not names:
        return []
    words = ["container", "inspect", *names]
    result = podman(project, *words, failure="Podman does not show the containers", check=False)
    return json.loads(result.output or "[]")
