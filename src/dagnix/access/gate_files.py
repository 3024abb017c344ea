"""The files that only the gate reads: users, keys, certificates (src/gate/internal/account)."""

import os
from contextlib import suppress
from pathlib import Path

from dagnix import UserError
from dagnix.access import secret_files
from dagnix.host.podman import podman
from dagnix.project import IMAGE_USER, Project

USERS, PROVIDER = "users.json", "oidc.json"


def folder(project: Project) -> Path:
    """Return the folder that compose.yaml mounts into the gate."""
    return project.secrets / "gate"


def has_login(project: Project) -> bool:
    """Tell whether anybody has to log in."""
    return any((folder(project) / name).exists() for name in (USERS, PROVIDER))


def read(project: Project, name: str) -> bytes:
    """Return what a file holds; nothing if it is not there.

    Raises:
        UserError: it cannot be read.

    """
    path = folder(project) / name
    return content(project, path) if path.exists() else b""


def everything(project: Project) -> dict[str, bytes]:
    """Return what each file of the gate holds, by name. Raises UserError if one cannot be read."""
    files = sorted(path for path in folder(project).glob("[!.]*") if path.is_file())
    return {path.name: content(project, path) for path in files}


def content(project: Project, path: Path) -> bytes:
    """Return what a file holds that is the containers' alone.

    Raises:
        UserError: it cannot be read.

    """
    if os.access(path, os.R_OK):
        return path.read_bytes()
    # Without root the file is another user's, as which podman reads it.
    words = ["unshare", "cat", str(path)]
    return podman(project, *words, failure=f"Podman cannot read {path}").output.encode()


def write(project: Project, name: str, content: bytes) -> None:
    """Write a file in place of an earlier one. Raises UserError if it cannot be written."""
    place(project, folder(project) / name, content)


def place(project: Project, path: Path, content: bytes) -> None:
    """Write a file below the folder of secrets, which only the containers' user and root can read.

    Raises:
        UserError: it cannot be written, or podman cannot give it to that user.

    """
    secret_files.make_private(project.secrets)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.parent.chmod(0o755)  # mounted, it has no other folder around it
        beside.touch(0o600, exist_ok=False)
        beside.write_bytes(content)
        beside.chmod(0o400)
        give(project, beside)
        beside.replace(path)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error}.") from error
    finally:
        with suppress(OSError):
            beside.unlink()


def remove(project: Project, name: str) -> None:
    """Remove a file if it is there. Raises UserError if it cannot be removed."""
    try:
        (folder(project) / name).unlink(missing_ok=True)
    except OSError as error:
        raise UserError(f"{folder(project) / name} cannot be removed: {error}.") from error


def give(project: Project, path: Path) -> None:
    """Give a file to the user in the containers, which without root is one of the user's own."""
    if os.geteuid() == 0:
        os.chown(path, IMAGE_USER, IMAGE_USER)
        return
    words = ["unshare", "chown", f"{IMAGE_USER}:{IMAGE_USER}", str(path)]
    podman(project, *words, failure="Podman cannot give the file to the containers' user")
