"""A further code location: its lock, its service, and in the running stack its code server."""

import re
import sys
from contextlib import suppress
from pathlib import Path

from dagnix import UserError, code_locations, console
from dagnix.access import secret_files
from dagnix.checkout import Checkout
from dagnix.code import mount
from dagnix.deploy import code_containers, old_images, shown
from dagnix.faults import Faults
from dagnix.host.git import restored_on_failure
from dagnix.host.podman import podman
from dagnix.images import build, load, sources, tags
from dagnix.locations import remove, roles
from dagnix.locks.fetch import everything
from dagnix.locks.program import alone
from dagnix.locks.solve import debian
from dagnix.locks.solve import locations as lock
from dagnix.locks.solve import pythons as lock_pythons
from dagnix.locks.solve.relock import relock
from dagnix.locks.solve.take import Take
from dagnix.locks.systems import host_system
from dagnix.project import Project, with_locations
from dagnix.stack import compose, containers, dashboard, health, location_service

# As a name in DNS, and short enough for a container's.
NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")


def add(project: Project, name: str, folder: Path, wait: float) -> bool:
    """Add a location, and have the stack serve it if that runs; tell whether it does.

    `wait` is how long its code server may take to become healthy, in seconds.

    Raises:
        UserError: the name or the folder cannot be used, no packages fit, the image cannot be
            built, or the code is not served; nothing is changed then.

    """
    checkout = project.checkout
    _require_name(checkout, name)
    _require_project(project.root, folder)
    written = [
        code_locations.lock(project.root, name),
        code_locations.compose_file(project.root, name),
    ]
    pythons = [checkout.lock(debian.lock_of(each.version)) for each in lock_pythons.read(checkout)]
    with restored_on_failure(project.root, [*written, *pythons]):
        with alone(checkout):
            _write(checkout, name, folder)
        # Nix sees only what git knows.
        _, *members = code_locations.code(project.root, name)
        sources.add(project.root, folder, [*written, *members])
        present = {each.service: each for each in containers.containers(project) if each.running}
        if "webserver" not in present:
            secret_files.ensure_locations(project.secrets, [name])
            return False
        start(with_locations(project), name, wait)
    return True


def _write(checkout: Checkout, name: str, folder: Path) -> None:
    """Write the location's files, and fetch what its image is made of."""
    faults = Faults()
    path = code_locations.lock(checkout.root, name)
    doing = f"Locking the packages of {name}"
    with console.step(doing, f"{path.relative_to(checkout.root)} is written"):
        python = Path(sys.executable)
        _, held_back = lock.update(checkout, name, folder, Take.NOTHING, interpreter=python)
    for sentence in held_back:
        console.warned(f"{sentence}.")
    location_service.write(checkout.root, name)
    everything.fetch(checkout, [host_system()], faults, relock=relock)
    faults.require_none(name)


def _require_name(checkout: Checkout, name: str) -> None:
    if not NAME.fullmatch(name):
        raise UserError(
            f"{name} cannot be the name of a code location: give small letters, digits and "
            "hyphens, at most 31, and begin with a letter."
        )
    if name in code_locations.names(checkout.root):
        raise UserError(f"There is a code location {name} already: `./dagnix deploy {name}`.")
    taken = {"postgres", "webserver", "daemon", *debian.read_lists(checkout, Faults()).groups}
    if name in taken:
        raise UserError(f"{name} is the name of something else here: choose another one.")


def _require_project(root: Path, folder: Path) -> None:
    mount.require_project(folder)
    if not folder.is_relative_to(root) or folder == root:
        raise UserError(f"{folder} is not inside {root}: Nix builds from what is in the checkout.")
    other = next((n for n, path in code_locations.folders(root).items() if path == folder), None)
    if other:
        raise UserError(f"{folder} is the code location {other} already.")


def start(project: Project, name: str, wait: float) -> None:
    """Build the location's image, and have the running stack serve it.

    Raises:
        UserError: the image cannot be built, or the code is not served; nothing of it is left.

    """
    volume = f"{project.name}_{name}-data"
    had_data = _exists(project, "volume", volume)
    image = tags.name(project, name)
    had_image = _exists(project, "image", image)
    link = build.link(project, [name])
    had_role = True
    try:
        load.load(project, build.build(project, [name]))
        had_role = not roles.add(project, name)
        with console.step(f"Starting {name}"):
            words = ["up", "--detach", "--no-recreate", name]
            compose.compose_for(
                project, name, *words, failure=f"podman-compose cannot start {name}"
            )
        (new,) = (each for each in containers.containers(project) if each.service == name)
        health.wait(project, wait, new)
        dashboard.reload_workspace(project)
        shown.wait_until_shown(project, new)
    except BaseException:
        if made := code_containers.in_compose(containers.everything(project), name):
            with suppress(UserError):  # code that does not load may never have been there
                remove.leave(project, made)
            code_containers.remove(project, made)
        if not had_role:
            roles.take_back(project, name)
        if not had_data:
            podman(project, "volume", "rm", volume, failure="", check=False)
        if not had_image:
            podman(project, "image", "rm", image, failure="", check=False)
            link.unlink(missing_ok=True)
        with suppress(UserError):  # DAGNIX_IMAGES_KEPT is no number: another command says so
            old_images.remove(project)
        raise


def _exists(project: Project, kind: str, name: str) -> bool:
    failure = f"Podman does not tell whether it has {name}"
    return podman(project, kind, "exists", name, failure=failure, check=False).returncode == 0
