"""Images, sent from the Nix store to a registry."""

import re
import shutil
from ipaddress import ip_address

from dagnix import UserError, console
from dagnix.images.layout import Layout
from dagnix.process import CommandError, run
from dagnix.project import Project

# As the OCI distribution specification has names, with a host in front that cannot be a folder.
_HOST = r"(?:localhost|\[[0-9a-fA-F:.]+\]|[a-zA-Z0-9-]+(?:\.[a-zA-Z0-9-]+)+|[a-zA-Z0-9-]+(?=:\d))"
_FOLDER = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REGISTRY = re.compile(rf"({_HOST})(:\d+)?((?:/{_FOLDER})*)")
_REFUSED = re.compile(r"unauthorized|authentication required|denied", re.IGNORECASE)


class Registry:
    """A registry, and the folder in it that the images go to: `registry.example.org/team`."""

    def __init__(self, text: str) -> None:
        """Take a registry's name. Raises UserError if the text is none."""
        found = _REGISTRY.fullmatch(text)
        if not found:
            raise UserError(
                f"{text} is no registry: give its host, a port if it needs one, and the folder for "
                "the images, such as registry.example.org/team, without https:// and without a tag."
            )
        self.address, self.host = text, found[1] + (found[2] or "")
        self.is_loopback = _is_loopback(found[1].strip("[]"))

    def repository(self, image: str) -> str:
        """Return the repository of an image."""
        return f"{self.address}/{image}"


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def push(project: Project, layouts: list[Layout], registry: Registry) -> list[str]:
    """Send images, of which only what the registry lacks; return their names with digests.

    The registry gets the bytes of the Nix store, so an image has the same digest there and here.

    Raises:
        UserError: there is no skopeo, or the registry does not take an image.

    """
    if not shutil.which("skopeo"):
        raise UserError(
            "Skopeo, which sends images, is not installed: "
            "sudo apt-get install --no-install-recommends skopeo"
        )
    with console.step("Sending the images", "Images are in the registry") as step:
        pushed = []
        for layout in layouts:
            step.show(f"Sending {layout.name}")
            repository = registry.repository(layout.name)
            _copy(layout, f"{repository}:{project.version}", registry)
            pushed.append(f"{repository}@{layout.digest}")
    return pushed


def _copy(layout: Layout, name: str, registry: Registry) -> None:
    command = ["skopeo", "copy", "--preserve-digests"]
    if registry.is_loopback:  # where registries seldom have certificates, as in Docker
        command.append("--dest-tls-verify=false")
    try:
        run([*command, f"oci:{layout.folder}", f"docker://{name}"], f"{name} cannot be sent")
    except CommandError as error:
        cure = f"Check the name {registry.host}, and whether this host reaches it."
        if _REFUSED.search(error.output):
            cure = (
                f"{registry.host} does not let you write there: log in with "
                f"`podman login {registry.host}` as somebody who may."
            )
        raise UserError(f"{error}\n{cure}") from error
