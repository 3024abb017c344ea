"""A further code location: its lock, its service, and in the running stack its code server."""

import re
import sys
from pathlib import Path

from dagnix import UserError, code, console, health, images, locations, stack
from dagnix.deploy import switch
from dagnix.fetch import everything
from dagnix.locations import service
from dagnix.lock import debian
from dagnix.lock import locations as lock
from dagnix.lock.checkout import Checkout
from dagnix.lock.program import alone
from dagnix.lock.systems import host_system
from dagnix.process import run
from dagnix.project import Project, with_locations

# As a name in DNS, and short enough for a container's.
NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")


def register(project: Project, name: str, folder: Path) -> Project:
    """Write the location's files, have git know them, and fetch what its image is made of.

    Return the project with the location.

    Raises:
        UserError: the name or the folder cannot be used, or no packages fit; no file is left.

    """
    checkout = Checkout.here()
    _require_name(checkout, name)
    _require_project(project.root, folder)
    written = [locations.lock(project.root, name), locations.compose_file(project.root, name)]
    try:
        with alone(checkout):
            doing = f"Locking the Python packages of {name}"
            with console.step(doing, f"{written[0].relative_to(project.root)} is written"):
                python = Path(sys.executable)
                options = {"upgrade": False, "interpreter": python}
                _, held_back = lock.update(checkout, name, folder, **options)
            for sentence in held_back:
                console.warned(f"{sentence}.")
            if debian.additions(folder / "pyproject.toml"):
                with console.step(f"Locking the Debian packages of {name}"):
                    debian.update(checkout, upgrade=False)
            service.write(project.root, name)
            everything.fetch(checkout, [host_system()], locked=False)
    except BaseException:
        for path in written:
            path.unlink(missing_ok=True)
        raise
    # Nix sees only what git knows.
    command = ["git", "-C", project.root, "add", "--intent-to-add", "--", folder, *written]
    run(command, f"Git does not take {name}'s files")
    return with_locations(project)


def _require_name(checkout: Checkout, name: str) -> None:
    if not NAME.fullmatch(name):
        raise UserError(
            f"{name} cannot be the name of a code location: give small letters, digits and "
            "hyphens, at most 31, and begin with a letter."
        )
    if name in locations.names(checkout.root):
        raise UserError(f"There is a code location {name} already: `./dagnix deploy {name}`.")
    taken = {"postgres", "webserver", "daemon", *debian.read_lists(checkout).groups}
    if name in taken:
        raise UserError(f"{name} is the name of something else here: choose another one.")


def _require_project(root: Path, folder: Path) -> None:
    code.require_project(folder)
    if not folder.is_relative_to(root) or folder == root:
        raise UserError(f"{folder} is not inside {root}: Nix builds from what is in the checkout.")
    other = next((n for n, path in locations.folders(root).items() if path == folder), None)
    if other:
        raise UserError(f"{folder} is the code location {other} already.")


def start(project: Project, name: str, wait: float) -> None:
    """Build the location's image, and have the running stack serve it.

    `wait` is how long its code server may take to become healthy, in seconds.

    Raises:
        UserError: the image cannot be built, or the code is not served.

    """
    images.load(project, images.build(project, [name]))
    daemon = next((each for each in stack.containers(project) if each.service == "daemon"), None)
    with console.step(f"Starting {name}"):
        failure = f"podman-compose cannot start {name}"
        stack.compose(project, "up", "--detach", "--no-recreate", name, failure=failure)
    (new,) = (each for each in stack.containers(project) if each.service == name)
    health.wait(project, wait, new)
    switch.follow(project, new, daemon)
