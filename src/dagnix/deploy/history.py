"""What was deployed when: a line of JSON for each deploy of a code location."""

import datetime as dt
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from dagnix import code_locations
from dagnix.host.podman import podman
from dagnix.images.tags import retain
from dagnix.process import run
from dagnix.project import Project
from dagnix.stack.lease import folder

ROLLBACK = "rollback"
# Beside the location's folder.
SOURCES = ("config", "nix", "src", "flake.nix", "flake.lock", "VERSION")

# The revision, and whether there were changes beside it; None if that is not known.
Origin = tuple[str, bool | None]


@dataclass(frozen=True)
class Release:
    """An image to deploy, and in a word how it came; the ID is hexadecimal."""

    how: str
    image_id: str
    origin: Origin


@dataclass(frozen=True)
class Entry:
    """One deploy; `image` is an image ID in hexadecimal, `when` a moment in ISO 8601."""

    when: str
    how: str
    image: str
    digest: str
    revision: str
    dirty: bool | None


def of(project: Project, service: str) -> list[Entry]:
    """Return all deploys of a location, oldest first."""
    file = _file(project, service)
    if not file.exists():
        return []
    return [Entry(**json.loads(line)) for line in file.read_text().splitlines()]


def add(project: Project, service: str, release: Release) -> None:
    """Note a deploy."""
    words = ["image", "inspect", "--format", "{{.Digest}}", release.image_id]
    digest = podman(project, *words, failure="Podman does not show the image").output.strip()
    when = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    entry = Entry(when, release.how, release.image_id, digest, *release.origin)
    with _file(project, service).open("a") as file:
        file.write(json.dumps(asdict(entry)) + "\n")


def note_present(project: Project, service: str, image_id: str) -> None:
    """Note what is served, if no deploy brought it: so it can be gone back to."""
    known = of(project, service)
    if not known or known[-1].image != image_id:
        retain(project, service, image_id)
        add(project, service, Release("up", image_id, from_label(project, image_id)))


def before(entries: Iterable[Entry]) -> Entry | None:
    """Return what a rollback goes back to: going back twice goes two deploys back."""
    line: list[Entry] = []
    for entry in entries:
        if entry.how == ROLLBACK:
            line[-1:] = []
        elif not line or line[-1].image != entry.image:
            line.append(entry)
    return line[-2] if len(line) > 1 else None


def of_checkout(project: Project, service: str) -> Origin:
    """Return the checkout's revision, and whether what the image is made of differs from it."""
    git = ["git", "-C", str(project.root)]
    failure = "Git does not tell the checkout's revision"
    head = run([*git, "rev-parse", "--verify", "--quiet", "HEAD"], failure, check=False)
    sources = [*map(str, code_locations.code(project.root, service)), *SOURCES]
    changed = run([*git, "status", "--porcelain", "--", *sources], failure).output
    return head.output.strip(), bool(changed)


def from_label(project: Project, image_id: str) -> Origin:
    """Return the revision that an image names, and whether it was dirty, if that is known."""
    label = "org.opencontainers.image.revision"
    words = ["image", "inspect", "--format", f'{{{{index .Labels "{label}"}}}}', image_id]
    revision = podman(project, *words, failure="Podman does not show the image").output.strip()
    return ("", True) if revision == "dirty" else (revision, False if revision else None)


def newest_images(project: Project, service: str) -> list[str]:
    """Return the IDs of all images that were deployed, each once, the last one first."""
    return list(dict.fromkeys(entry.image for entry in reversed(of(project, service))))


def _file(project: Project, service: str) -> Path:
    return folder(project) / f"{service}.jsonl"
