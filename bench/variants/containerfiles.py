"""The usual variant: a Containerfile for each service, pip, and `podman build`."""

import dataclasses
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from bench import lists, ready
from bench.services import SERVICES
from bench.timing import timed
from bench.variants import base, pip
from bench.variants.variant import Variant
from dagnix import UserError, console
from dagnix.access import secret_files
from dagnix.host.podman import podman
from dagnix.images import build, load, tags
from dagnix.images.layout import Layout
from dagnix.project import Project
from dagnix.stack import compose, dashboard
from dagnix.testing import scratch

FOLDER = Path("bench") / "containerfile"
LABEL = "dagnix.bench"
CODE = "pipes"
PAUSE_SECONDS = 0.1
RELOAD = """
mutation Reload($location: String!) { reloadRepositoryLocation(repositoryLocationName: $location) {
    __typename
    ... on WorkspaceLocationEntry {
      locationOrLoadError { __typename ... on PythonError { message } }
    }
    ... on PythonError { message }
} }
"""
LOADED = """
{ workspaceOrError { ... on Workspace { locationEntries {
    updatedTimestamp locationOrLoadError { __typename }
} } } }
"""
# What compose.yaml there reads from the environment instead of a file, as most images have it.
PASSWORDS = dict(
    zip(("DAGSTER_PG_PASSWORD", "STORAGE_PG_PASSWORD"), secret_files.NAMES, strict=True)
)


def ordinary(instance: dict[str, Any]) -> dict[str, Any]:
    """Return dagster.yaml with what Dagster itself has in place of Dagnix's classes."""
    storage = instance["storage"]["custom"]["config"]
    logs = instance["compute_logs"]["config"]
    return {
        **{key: value for key, value in instance.items() if key != "run_launcher"},
        "storage": {"postgres": {"postgres_db": storage["postgres_db"]}},
        "compute_logs": {
            "module": "dagster._core.storage.local_compute_log_manager",
            "class": "LocalComputeLogManager",
            "config": {"base_dir": logs["base_dir"]},
        },
    }


class Containerfiles(Variant):
    """As boilerplates do it: see bench/containerfile/."""

    name = "Containerfiles"

    def __init__(self, project: Project, folder: Path, packages: list[str]) -> None:
        super().__init__(project, folder, packages)
        self._files = Path(os.environ.get("DAGNIX_SOURCE", project.root)) / FOLDER
        self._settings = folder / "pip"
        self._settings.mkdir()
        self._volumes = [word for each in pip.write(self._settings) for word in ("--volume", each)]

    @property
    def _base(self) -> str:
        return tags.name(self.project, "base")

    @property
    def _cold_base(self) -> str:
        return tags.name(self.project, "cold-base")

    @property
    def _label(self) -> str:
        return f"{LABEL}={self.project.version}"

    def prepare(self) -> None:
        """Make the base image, and have pip download into its cache."""
        self.config.write_text(yaml.safe_dump(ordinary(yaml.safe_load(self.config.read_text()))))
        self.workspace.write_text((self._files / "workspace.yaml").read_text())
        with console.step("Making the base image with mmdebstrap"):
            self._once = timed(lambda: base.make(self.project, self.folder, self._base)).wall
        lock = lists.lock(self.project.root)
        desired = {each for names in lists.requirements(lock).values() for each in names}
        desired |= set(lists.pinned(lock, self.packages))
        words = ["run", "--rm", "--network=host", *self._volumes]
        words += [f"--env=PIP_CONFIG_FILE={pip.MOUNTED}/pip.conf", self._base]
        words += ["pip", "download", "--quiet", "--no-deps", "--dest=/tmp/wheels", *sorted(desired)]
        with console.step("Filling pip's cache"):
            podman(self.project, *words, failure="pip cannot download what is locked")

    @property
    def once(self) -> float:
        """Seconds for the base image; others download theirs."""
        return self._once

    def build(self) -> None:
        """Build them one after the other: the first steps of the second are then in the cache."""
        self._build(SERVICES, self._base)

    def _build(self, services: Iterable[str], base: str) -> None:
        self._write_requirements()
        for service in services:
            words = ["build", "--quiet", "--layers", "--network=host", *self._volumes]
            words += [f"--build-arg=PIP_CONFIG_FILE={pip.MOUNTED}/pip.conf"]
            words += [f"--build-arg=BASE={base}", f"--label={self._label}"]
            words += [f"--ignorefile={self._files / '.containerignore'}"]
            words += [f"--file={self._files / f'{service}.Containerfile'}"]
            words += [f"--tag={tags.name(self.project, service)}", str(self.project.root)]
            podman(self.project, *words, failure=f"podman build does not make {service}")

    def start_anew(self) -> None:
        """Make a base with a file more, on which podman has run no step."""
        with scratch.folder(self.project) as context:
            (context / "Containerfile").write_text(f"FROM {self._base}\nCOPY name /etc/cold\n")
            (context / "name").write_text(context.name)
            words = ["build", "--quiet", f"--label={self._label}", f"--tag={self._cold_base}"]
            podman(
                self.project, *words, str(context), failure="podman build makes no other base image"
            )

    def build_cold(self) -> None:
        """Build them on that base."""
        self._build(SERVICES, self._cold_base)

    def remove_builds(self) -> None:
        """Remove the images, and with them the steps that podman would not run again."""
        for service in SERVICES:
            name = tags.name(self.project, service)
            podman(self.project, "rmi", "--force", name, failure="", check=False)
        words = ["image", "prune", "--force", "--filter", f"label={self._label}"]
        podman(self.project, *words, failure="Podman does not remove images")

    @contextmanager
    def layouts(self) -> Iterator[list[Layout]]:
        """Yield what podman writes."""
        with scratch.folder(self.project) as folder:
            for service in SERVICES:
                words = ["save", "--quiet", "--format=oci-dir", "--uncompressed"]
                words += [f"--output={folder / service}"]
                name = tags.name(self.project, service)
                podman(self.project, *words, name, failure=f"Podman does not write {name}")
            yield [Layout(folder / service) for service in SERVICES]

    def mounted(self, code_folder: Path) -> Project:
        """Return the instance with compose.mount.yaml of its own."""
        added = self._files / "compose.mount.yaml"
        return self.project.with_compose_file(str(added), DAGNIX_PIPES_DIR=str(code_folder))

    @contextmanager
    def reloads(self, project: Project) -> Iterator[dict[str, Callable[[], object]]]:
        """Yield what *Reload* in the dashboard does."""
        yield {"reload": lambda: self.reload(project)}

    def reload(self, project: Project) -> None:
        """Have the code of a folder reloaded, as *Reload* in the dashboard does."""
        answer = dashboard.ask(project, RELOAD, location=CODE)["reloadRepositoryLocation"]
        loaded = answer.get("locationOrLoadError") or answer
        if loaded["__typename"] != "RepositoryLocation":
            raise UserError(f"{CODE} does not load: {loaded.get('message', '')}")

    def deploy(self) -> tuple[float, float]:
        """Build pipes and make its container anew; the webserver notices."""
        before, began = self._loaded_at(), time.monotonic()
        self._build([CODE], self._base)
        words = ["up", "--detach", "--force-recreate", "--no-deps", CODE]
        compose.compose(self.project, *words, failure="podman-compose does not make pipes anew")
        while self._loaded_at() in {before, None}:
            if time.monotonic() - began > ready.SECONDS:
                raise UserError(f"The webserver has no new code after {ready.SECONDS} s.")
            time.sleep(PAUSE_SECONDS)
        passed = time.monotonic() - began
        return passed, passed

    def _loaded_at(self) -> float | None:
        """Return when the webserver loaded the code; None while it does not load."""
        (entry,) = dashboard.ask(self.project, LOADED)["workspaceOrError"]["locationEntries"]
        loaded = (entry["locationOrLoadError"] or {}).get("__typename") == "RepositoryLocation"
        return entry["updatedTimestamp"] if loaded else None

    def _write_requirements(self) -> None:
        folder = self.project.root / "requirements"
        folder.mkdir(exist_ok=True)
        for name, lines in lists.requirements(lists.lock(self.project.root)).items():
            text = "".join(f"{line}\n" for line in lines)
            path = folder / f"{name}.txt"
            # No step is to run again because a file is newer.
            if not path.exists() or path.read_text() != text:
                path.write_text(text)


@contextmanager
def opened(project: Project, packages: list[str]) -> Iterator[Containerfiles]:
    """Yield the variant with a checkout, images and an instance of its own."""
    with (
        scratch.checkout(project) as copy,
        scratch.own_images(copy) as own,
        scratch.instance(own) as instance,
        scratch.folder(project) as folder,
    ):
        (layout,) = build.build(project, ["postgres"])
        load.load(instance, [layout])
        source = Path(os.environ.get("DAGNIX_SOURCE", project.root))
        passwords = {
            name: (instance.secrets / file).read_text().strip() for name, file in PASSWORDS.items()
        }
        more = {"COMPOSE_FILE": str(source / FOLDER / "compose.yaml"), **passwords}
        environment = {**instance.environment, **more}
        variant = Containerfiles(
            dataclasses.replace(instance, environment=environment), folder, packages
        )
        try:
            variant.prepare()
            yield variant
        finally:
            variant.stop()
            variant.remove_builds()
