"""The folder of what steps print, with one for each code location; the webserver reads all.

It is on the host, as podman 4 mounts no part of a volume, and the webserver's container is not to
be made anew for each location.
"""

import os
import shutil

from dagnix import UserError
from dagnix.host.podman import podman
from dagnix.project import Project
from dagnix.stack import sockets


def ensure(project: Project) -> None:
    """Make the folders that are not there.

    Raises:
        UserError: they cannot be made.

    """
    folder = project.compute_logs
    try:
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.parent.chmod(0o700)
        # The containers' user is another one; the folder around it keeps all others out. A restore
        # has made those that are the containers' user's.
        for each in (folder, *(folder / name for name in sockets.served(project))):
            each.mkdir(exist_ok=True)
            if each.stat().st_mode & 0o777 != 0o777:
                each.chmod(0o777)
    except OSError as error:
        raise UserError(
            f"The folder of compute logs cannot be made: {error}. DAGNIX_COMPUTE_LOGS_DIR names "
            "another."
        ) from error


def remove(project: Project) -> None:
    """Remove the folder, when no container is left.

    Raises:
        UserError: podman cannot remove what belongs to the containers' user.

    """
    if not project.compute_logs.exists():
        return
    if os.geteuid() == 0:
        shutil.rmtree(project.compute_logs)
        return
    failure = f"The compute logs in {project.compute_logs} cannot be removed"
    podman(project, "unshare", "rm", "-rf", str(project.compute_logs), failure=failure)
