"""The image that the Containerfiles begin with: a slim Debian with Python and pip.

It is what `python:3.13-slim` is to others, made from the mirrors that Dagnix uses too.
"""

import os
import tomllib
from pathlib import Path

from dagnix.checkout import Checkout
from dagnix.host.podman import podman
from dagnix.locks import mirrors
from dagnix.locks.solve.apt import DEBIAN_KEYRING, OWN_KEYRING
from dagnix.process import run
from dagnix.project import Project

PACKAGES = ("ca-certificates", "python3", "python3-venv")
# As in the images that registries call slim.
LEFT_OUT = ("/usr/share/doc/*", "/usr/share/locale/*", "/usr/share/man/*")
# There such images have their Python and its pip, and nothing of Debian's is in pip's variant.
WITH_PIP = 'chroot "$1" python3 -m venv /usr/local'


def make(project: Project, folder: Path, name: str) -> None:
    """Give podman the image under a name. `folder` is for files on the variant.

    Raises:
        UserError: there is no mirror, or mmdebstrap fails.

    """
    found = mirrors.find(folder)
    keyring = os.environ.get(OWN_KEYRING) or DEBIAN_KEYRING
    source = Checkout.here().debian_list
    suite = tomllib.loads(source.read_text())["suite"]
    archive = folder / "base.tar"
    words = [
        "mmdebstrap",
        "--quiet",
        "--variant=minbase",
        f"--include={','.join(PACKAGES)}",
        *(f"--dpkgopt=path-exclude={pattern}" for pattern in LEFT_OUT),
        f"--customize-hook={WITH_PIP}",
        suite,
        archive,
        *(
            f"deb [signed-by={keyring}] {uri} {of} main"
            for uri, of in (
                (found.debian, suite),
                (found.debian, f"{suite}-updates"),
                (found.security, f"{suite}-security"),
            )
        ),
    ]
    run(words, "mmdebstrap makes no base image", env={"TMPDIR": str(folder)})
    podman(project, "import", "--quiet", str(archive), name, failure="Podman takes no base image")
    archive.unlink()
