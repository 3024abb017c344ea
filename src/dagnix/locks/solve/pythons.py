"""The Pythons that a code location may have, as nix/debian.toml lists them."""

import tomllib
from dataclasses import dataclass

from dagnix import UserError
from dagnix.checkout import Checkout


@dataclass(frozen=True)
class Python:
    """A Python of a Debian release.

    `version` is "3.11", `full_version` "3.11.2", and `glibc` the minor version of the release's C
    library: 36 for 2.36.
    """

    version: str
    full_version: str
    glibc: int


def read(checkout: Checkout) -> list[Python]:
    """Return them in the order in which they are preferred; the first is that of all images.

    Raises UserError if nix/debian.toml is not as it should be.
    """
    try:
        table = tomllib.loads(checkout.debian_list.read_text())["pythons"]
        return [
            Python(version, python["version"], python["glibc"]) for version, python in table.items()
        ]
    except (OSError, ValueError) as error:
        raise UserError(f"{checkout.debian_list} cannot be read: {error}.") from error
    except KeyError as error:
        raise UserError(f"{checkout.debian_list} lacks {error}.") from error
