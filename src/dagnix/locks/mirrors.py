"""Which Debian mirrors to use: those that the host's apt is configured with, or one's own."""

import os
import shutil
import urllib.parse
from dataclasses import dataclass
from pathlib import Path

from dagnix import UserError
from dagnix.locks.command import last_error, output_of
from dagnix.process import CommandError

OWN_MIRROR = "DAGNIX_DEBIAN_MIRROR"
OWN_SECURITY_MIRROR = "DAGNIX_DEBIAN_SECURITY_MIRROR"
HOW_TO_SET = (
    f"set {OWN_MIRROR} to the URL of a Debian mirror (the folder that holds dists/ and pool/) "
    f"and {OWN_SECURITY_MIRROR} to that of its debian-security"
)


@dataclass(frozen=True)
class Mirrors:
    """Base URLs, without a slash at the end, of the two archives."""

    debian: str
    security: str

    def base(self, archive: str) -> str:
        """Return the URL of the archive that a lock entry names."""
        return {"debian": self.debian, "debian-security": self.security}[archive]


def has_apt() -> bool:
    """Tell whether the host is a Debian, or made of it."""
    return shutil.which("apt-get") is not None


def find(directory: Path) -> Mirrors:
    """Return the mirrors of the environment if it names one, else those of the host's apt.

    `directory` is for apt's lists.
    Raises UserError if there are none.
    """
    own = os.environ.get(OWN_MIRROR, "").rstrip("/")
    if own:
        return Mirrors(
            own, os.environ.get(OWN_SECURITY_MIRROR, "").rstrip("/") or f"{own}-security"
        )
    if not has_apt():
        raise UserError(
            f"There is no apt on this machine to say where Debian's files are: {HOW_TO_SET}."
        )
    return _of_host(directory)


def _of_host(directory: Path) -> Mirrors:
    sites = _sites([])
    if not sites.keys() >= {"Debian", "Debian-Security"}:
        # The labels stand in apt's lists, which a slimmed-down machine does not have.
        lists = [f"-oDir::State={directory}", "-oDir::State::lists=lists"]
        (directory / "lists" / "partial").mkdir(parents=True, exist_ok=True)
        try:
            output_of(["apt-get", "update", "-qq", "-oAPT::Sandbox::User=root", *lists])
        except CommandError as error:
            raise UserError(
                f"apt cannot reach its mirrors ({last_error(error.output)}): "
                "see that `apt-get update` works."
            ) from error
        sites = _sites(lists)
    if "Debian" not in sites:
        raise UserError(f"The host's apt is configured with no Debian mirror: {HOW_TO_SET}.")
    debian = sites["Debian"]
    return Mirrors(debian, sites.get("Debian-Security", f"{debian}-security"))


def _sites(options: list[str]) -> dict[str, str]:
    """Return label → base URL; of several with the same label, the first."""
    listing = output_of(["apt-get", "indextargets", *options, "--format", "$(LABEL) $(REPO_URI)"])
    sites: dict[str, str] = {}
    for line in listing.splitlines():
        label, _, uri = line.strip().partition(" ")
        if uri:
            sites.setdefault(label, _plain(uri).rstrip("/"))
    return sites


def _plain(uri: str) -> str:
    """Return a list's first mirror, if the URI names a list (apt-transport-mirror(1))."""
    scheme, _, rest = uri.partition(":")
    if scheme != "mirror+file":
        return uri
    path = urllib.parse.unquote(urllib.parse.urlsplit(rest).path).rstrip("/")
    for line in Path(path).read_text().splitlines():
        words = line.split()
        if words and not words[0].startswith("#"):
            return words[0]
    raise UserError(f"{uri} in apt's sources names a file that lists no mirror: {HOW_TO_SET}.")
