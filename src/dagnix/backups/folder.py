"""The folder of the backups on the host."""

from pathlib import Path

from dagnix import UserError, console
from dagnix.project import Project

SCHEDULED = "scheduled"


def ensure_folder(project: Project) -> Path:
    """Make the folder, and in it the one that the service `backup` writes to; return the first.

    A container writes with a foreign uid, so its folder is open to all; the one above it is not.

    Raises:
        UserError: it cannot be made.

    """
    folder = project.backups
    scheduled = folder / SCHEDULED
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.stat().st_mode & 0o077:
            console.warned(
                f"{folder} is open to other users, and backups have all data: `chmod 700 {folder}` "
                "closes it"
            )
        if not scheduled.exists():
            scheduled.mkdir()
            scheduled.chmod(0o777)
    except OSError as error:
        raise UserError(
            f"The folder of backups cannot be made: {error}. DAGNIX_BACKUPS_DIR names another."
        ) from error
    return folder
